"""The classic tests of memory, made on the fly: each asks for something that was said `lag` ago.

A problem is a row of `PROBLEMS`: how a batch is drawn, what guessing scores, and from which score
on it counts as mastered. Only the last steps of a sequence are scored, so no earlier target helps
a network to bridge the lag.

Legend: T time, B batch, I input, K outputs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
import numpy.typing as npt
import torch

from elman.data.batching import IGNORE, Batch
from elman.data.digits import CLASSES, PIXELS, images
from elman.errors import InputError

Metric = Literal["accuracy", "squared error"]
Split = Literal["train", "valid", "test"]
Draw = Callable[[np.random.Generator, int, int, Split], Batch]
Array = npt.NDArray[np.int64]

SPLITS: tuple[Split, ...] = get_args(Split)
SYMBOLS = 8
DISTRACTORS = 8
COPIED = 10
MOST = 9


@dataclass(frozen=True)
class Problem:
    """One test of memory, for any lag.

    Attributes:
        summary: what has to be answered, in a line.
        lag: what the lag counts, in a line.
        input_size: I.
        output_size: K: classes, or 1 for a number.
        draw: (generator, lag, B, split) -> a batch, inputs (T, B, I) float32 and targets (T, B),
            int64 classes or float32 numbers, `IGNORE` where nothing is scored.
        metric: "accuracy" of the scored answers, or their mean "squared error".
        variance: of the answers that are numbers.
        mastered: the score from which on the problem counts as mastered.
        shortest: the least lag.
        finite: whether items are of a fixed set instead of drawn without end.
    """

    name: str
    summary: str
    source: str
    lag: str
    input_size: int
    output_size: int
    draw: Draw
    metric: Metric = "accuracy"
    variance: float = 0.0
    mastered: float = 0.95
    shortest: int = 1
    finite: bool = False

    @property
    def counts_up(self) -> bool:
        """Whether a higher score is a better one."""
        return self.metric == "accuracy"

    @property
    def guess(self) -> float:
        """The score of the best answer that does not look at the input."""
        return 1 / self.output_size if self.counts_up else self.variance

    def is_mastered(self, score: float) -> bool:
        """Whether `score` reaches the threshold; NaN never does."""
        return score >= self.mastered if self.counts_up else score <= self.mastered

    def is_solved(self, score: float) -> bool:
        """Whether `score` has at most half of the error that mastery allows."""
        if self.counts_up:
            return score >= (1 + self.mastered) / 2
        return score <= self.mastered / 2

    def batch(self, lag: int, size: int, *, seed: int, index: int = 0, split: Split) -> Batch:
        """The batch number `index` of `size` sequences; it depends on the arguments alone.

        Two splits are independent draws, or, where the data are finite, have no item in common;
        "valid" and "test" then have no more sequences than there are.
        """
        if lag < self.shortest:
            raise InputError(f"lag {lag}: {self.name} needs a lag of at least {self.shortest}")
        draw = np.random.default_rng((seed, SPLITS.index(split), index))
        return self.draw(draw, lag, size, split)


def one_hot(symbols: Array, width: int) -> npt.NDArray[np.float32]:
    """(T, B) symbols -> (T, B, width)."""
    return np.eye(width, dtype=np.float32)[symbols]


def answers(targets: npt.NDArray[np.generic], steps: int) -> torch.Tensor:
    """Targets (S, B) of the last S steps, and `IGNORE` before them: (T, B)."""
    whole = np.full((steps, targets.shape[1]), IGNORE, dtype=targets.dtype)
    whole[steps - len(targets) :] = targets
    return torch.from_numpy(whole)


def recall(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """One of 8 symbols, then `lag` distractors of an alphabet of their own; name the symbol."""
    symbols = draw.integers(SYMBOLS, size=(1, size))
    noise = draw.integers(SYMBOLS, SYMBOLS + DISTRACTORS, size=(lag, size))
    inputs = one_hot(np.concatenate([symbols, noise]), SYMBOLS + DISTRACTORS)
    return Batch(torch.from_numpy(inputs), answers(symbols, lag + 1))


def copying(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """10 of 8 symbols, `lag` - 1 blanks, a sign to begin, 10 blanks; repeat the symbols."""
    blank, begin = SYMBOLS, SYMBOLS + 1
    symbols = draw.integers(SYMBOLS, size=(COPIED, size))
    rest = np.full((lag + COPIED, size), blank)
    rest[lag - 1] = begin
    inputs = one_hot(np.concatenate([symbols, rest]), SYMBOLS + 2)
    return Batch(torch.from_numpy(inputs), answers(symbols, len(inputs)))


def adding(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """`lag` pairs of a number in [0, 1) and a mark; add the two marked, one in each half."""
    inputs = np.zeros((lag, size, 2), dtype=np.float32)
    inputs[:, :, 0] = draw.random((lag, size), dtype=np.float32)
    rows, half = np.arange(size), lag // 2
    inputs[draw.integers(half, size=size), rows, 1] = 1
    inputs[draw.integers(half, lag, size=size), rows, 1] = 1
    total = (inputs[:, :, 0] * inputs[:, :, 1]).sum(0, keepdims=True)
    return Batch(torch.from_numpy(inputs), answers(total, lag))


def temporal_order(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """An X or Y early and another near the middle of `lag` distractors; which two, in order."""
    symbols = draw.integers(2, 6, size=(lag, size))
    pair, rows = draw.integers(2, size=(2, size)), np.arange(size)
    for which, tenth in zip(pair, (1, 4), strict=True):
        early, late = tenth * lag // 10, (tenth + 1) * lag // 10
        symbols[draw.integers(early, late, size=size), rows] = which
    inputs = one_hot(symbols, 6)
    return Batch(torch.from_numpy(inputs), answers(2 * pair[:1] + pair[1:], lag))


def parity(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """`lag` bits; whether the number of ones is odd."""
    bits = draw.integers(2, size=(lag, size))
    inputs = one_hot(bits, 2)
    return Batch(torch.from_numpy(inputs), answers(bits.sum(0, keepdims=True) % 2, lag))


def counting(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """`lag` steps with 0 to 9 marks anywhere; how many."""
    marks = draw.integers(MOST + 1, size=(1, size))
    places = draw.random((lag, size)).argsort(0)
    inputs = one_hot((places < marks).astype(np.int64), 2)
    return Batch(torch.from_numpy(inputs), answers(marks, lag))


def digits(draw: np.random.Generator, lag: int, size: int, split: Split) -> Batch:
    """An 8 × 8 image of a digit, a pixel a step, then `lag` blanks; which digit."""
    pixels, labels = images(split)
    if split == "train":
        chosen = draw.integers(len(labels), size=size)
    else:
        chosen = draw.permutation(len(labels))[:size]
    inputs = np.zeros((PIXELS + lag, len(chosen), 2), dtype=np.float32)
    inputs[:PIXELS, :, 0] = pixels[chosen].T
    inputs[PIXELS:, :, 1] = 1
    return Batch(torch.from_numpy(inputs), answers(labels[chosen][None], len(inputs)))


_TABLE = [
    Problem(
        name="recall",
        summary="name the first symbol, one of 8, after as many distractors as the lag",
        source="after Hochreiter & Schmidhuber 1997, experiment 2, and Bengio et al. 1994",
        lag="steps from the symbol to the answer",
        input_size=SYMBOLS + DISTRACTORS,
        output_size=SYMBOLS,
        draw=recall,
    ),
    Problem(
        name="adding",
        summary="add two marked numbers of a sequence, one in each half",
        source="Hochreiter & Schmidhuber 1997, experiment 4, as in Le et al. 2015, section 4.1",
        lag="length of the sequence",
        input_size=2,
        output_size=1,
        metric="squared error",
        variance=1 / 6,
        mastered=1 / 60,
        shortest=2,
        draw=adding,
    ),
    Problem(
        name="copying",
        summary="repeat 10 symbols of 8, after as many blanks as the lag",
        source="Hochreiter & Schmidhuber 1997; Arjovsky et al. 2016, section 5.1",
        lag="steps from the last symbol to the sign to begin",
        input_size=SYMBOLS + 2,
        output_size=SYMBOLS,
        draw=copying,
    ),
    Problem(
        name="temporal-order",
        summary="which two of X and Y stood, in order, among distractors",
        source="Hochreiter & Schmidhuber 1997, experiment 6a; Pascanu et al. 2013, section 4.1",
        lag="length of the sequence",
        input_size=6,
        output_size=4,
        shortest=10,
        draw=temporal_order,
    ),
    Problem(
        name="parity",
        summary="whether a row of bits holds an odd number of ones",
        source="Hochreiter & Schmidhuber 1997, section 5; Bengio et al. 1994",
        lag="length of the sequence",
        input_size=2,
        output_size=2,
        draw=parity,
    ),
    Problem(
        name="counting",
        summary="how many marks, 0 to 9, stood in a row of steps",
        source="after Gers & Schmidhuber 2001",
        lag="length of the sequence",
        input_size=2,
        output_size=MOST + 1,
        shortest=MOST,
        draw=counting,
    ),
    Problem(
        name="digits",
        summary="which digit an image shows, read pixel by pixel, some blanks later",
        source="after Le et al. 2015, section 4.2, with scikit-learn's 8 × 8 digits",
        lag="blanks after the image's 64 steps",
        input_size=2,
        output_size=CLASSES,
        mastered=0.9,
        draw=digits,
        finite=True,
    ),
]

PROBLEMS = {problem.name: problem for problem in _TABLE}


def problem_named(name: str) -> Problem:
    """The problem of that name."""
    if name not in PROBLEMS:
        raise InputError(f"{name}: no such memory problem; choose from {', '.join(PROBLEMS)}")
    return PROBLEMS[name]
