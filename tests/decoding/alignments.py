"""Connectionist temporal classification by brute force: every alignment there is."""

from __future__ import annotations

from collections import defaultdict
from itertools import groupby, product

import numpy as np


def random_steps(steps: int, outputs: int, seed: int, sharpness: float = 2.0) -> np.ndarray:
    """Log-probabilities (S, K) of random steps; sharper ones are surer."""
    logits = sharpness * np.random.default_rng(seed).normal(size=(steps, outputs))
    found: np.ndarray = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    return found


def labelling(alignment: list[int] | tuple[int, ...], blank: int) -> tuple[int, ...]:
    return tuple(output for output, _ in groupby(alignment) if output != blank)


def every_labelling(steps: np.ndarray) -> dict[tuple[int, ...], float]:
    """log p of each labelling of `steps` (S, K), summed over all of its alignments."""
    outputs = steps.shape[1]
    found: dict[tuple[int, ...], float] = defaultdict(float)
    for alignment in product(range(outputs), repeat=len(steps)):
        nats = sum(steps[step, output] for step, output in enumerate(alignment))
        found[labelling(alignment, outputs - 1)] += float(np.exp(nats))
    return {tokens: float(np.log(p)) for tokens, p in found.items()}


def best_alignment(steps: np.ndarray, tokens: tuple[int, ...]) -> tuple[int, ...]:
    """The most probable alignment of a labelling."""
    blank = steps.shape[1] - 1
    fitting = (
        alignment
        for alignment in product(range(blank + 1), repeat=len(steps))
        if labelling(alignment, blank) == tokens
    )
    return max(fitting, key=lambda a: sum(steps[step, output] for step, output in enumerate(a)))
