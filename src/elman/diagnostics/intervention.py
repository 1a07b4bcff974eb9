"""How the output changes when something k steps back is replaced: what a network remembers.

A gradient tells what an infinitesimal change does, and what training can use. Here the input, or
the whole state, is replaced by that of another row of the batch at the same step, and the output
k steps later is compared with the original one.

Legend: T time, B batch, K width of the output, L lags, N samples.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.diagnostics.reach import Reach, bootstrap
from elman.layers.instrument import Named, Step, watched

JITTER = 0.01
"""The share of the state that is replaced, at lag 0, to measure the noise floor."""

ORIGINS = 4
"""Number of steps at which something is replaced, if every step has an output that counts."""

LAGS = 24
"""Number of lags, if only a few steps have such an output."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """How far the outputs move, by lag.

    Attributes:
        what: "input" or "state" (of all layers together): what was replaced.
        lags: (L,) steps from the replacement to the output.
        moved: (L, N) divergence of each sample in nats; NaN for no sample.
        floor: divergence after a change of 1 % of the state at lag 0, the noise floor.
        unit: of `moved`.
        reach: lag from which the median stays below the floor, with a bootstrap interval.
    """

    what: str
    lags: Tensor
    moved: Tensor
    floor: float
    unit: str
    reach: Reach

    @property
    def median(self) -> Tensor:
        """(L,) over the samples."""
        return self.moved.nanquantile(0.5, dim=1)


def intervene(given: DiagnosisInput, max_lag: int) -> list[Intervention]:
    """Replace inputs and states up to `max_lag` steps back; empty for a batch of one row.

    The effect on the output is KL(p || q) in nats, where p is the distribution without the
    replacement and q the one with it. For numeric outputs it is |y - y'|² / (2 s²), the KL of two
    normal distributions with the variance s² of the outputs over the data.

    The noise floor is the median effect of replacing `JITTER` of the state at lag 0: the memory
    ends where a full replacement has less effect than that. In a linear network the reach by
    intervention on the state equals the reach by gradient, ln(0.01) / ln(rho).
    """
    if given.rows < 2:
        return []
    with torch.no_grad():
        plain = given.outputs(given.inputs)
        steps = tuple(range(given.steps)) if given.scored is None else given.scored
        if plain.dim() == 2:
            steps = (given.steps - 1,)
        divergence = _divergence(plain, given.categorical)
        origins = _origins(steps, given.steps, max_lag)

        def by_input(origin: int) -> tuple[Tensor, Tensor]:
            changed, differs = _exchange(given, origin)
            return divergence(given.outputs(changed)), differs

        def by_state(origin: int, share: float = 1.0) -> tuple[Tensor, Tensor]:
            with watched(given.model, _StateExchange(origin, share, given.steps)):
                moved = divergence(given.outputs(given.inputs))
            return moved, torch.ones(given.rows, dtype=torch.bool)

        few = origins[:2] if len(origins) <= ORIGINS else origins
        _, jitter = _collect(lambda origin: by_state(origin, JITTER), few, 1)
        floors = jitter.nanquantile(0.5, dim=1)
        # Rounding in single precision alone moves the output by about 1e-14 nats.
        floor = max(float(floors.nan_to_num(0).amax()) if len(floors) else 0.0, 1e-12)
        unit = "KL, nats" if given.categorical else "|Δy|² / 2s², nats"
        time_first = given.inputs.movedim(given.time_axis, 0)
        found = []
        for what, act in {"input": by_input, "state": by_state}.items():
            if what == "input" and not bool((time_first != time_first.roll(1, 1)).any()):
                continue
            lags, moved = _collect(act, origins, max_lag)
            # Samples are ordered by replacement, then by row of the batch.
            rows = np.arange(moved.shape[1]) % given.rows
            reach = bootstrap(moved.T.numpy(), rows, floor, lags.numpy())
            found.append(Intervention(what, lags, moved, floor, unit, reach))
    return found


Origins = list[tuple[int, tuple[int, ...]]]
"""Steps of replacement, each with the steps whose outputs are compared."""


def _origins(scored: tuple[int, ...], length: int, max_lag: int) -> Origins:
    if len(scored) > length // 2:
        spread = np.linspace(min(length // 8, 8), max(length - 1 - max_lag, 0), ORIGINS)
        return [(s, scored) for s in sorted({round(float(s)) for s in spread})]
    last = scored[-1]
    lags = {0, 1, *np.geomspace(1, min(max_lag, last), LAGS).round().astype(int).tolist()}
    return [(last - lag, (last,)) for lag in sorted(lags)]


def _collect(
    act: Callable[[int], tuple[Tensor, Tensor]], origins: Origins, max_lag: int
) -> tuple[Tensor, Tensor]:
    """Samples by lag; `act` returns effects (T, B) or (B,) and which rows (B,) were changed."""
    samples: dict[int, list[Tensor]] = defaultdict(list)
    for origin, scored in origins:
        wanted = [t for t in scored if origin <= t <= origin + max_lag]
        if not wanted:
            continue
        moved, changed = act(origin)
        moved = moved.double().masked_fill(~changed, torch.nan)
        for t in wanted:
            samples[t - origin].append(moved if moved.dim() == 1 else moved[t])
    lags = sorted(samples)
    rows = [torch.cat(samples[lag]) for lag in lags]
    padded = torch.nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=torch.nan)
    return torch.tensor(lags), padded


def _divergence(plain: Tensor, categorical: bool) -> Callable[[Tensor], Tensor]:
    if not categorical:
        variance = plain.double().var().clamp_min(torch.finfo(torch.float64).tiny)
        return lambda moved: (moved - plain).double().square().sum(-1) / (2 * variance)
    before = functional.log_softmax(plain.double(), -1)

    def kl(moved: Tensor) -> Tensor:
        after = functional.log_softmax(moved.double(), -1)
        return torch.sum(before.exp() * (before - after), -1)

    return kl


def _exchange(given: DiagnosisInput, origin: int) -> tuple[Tensor, Tensor]:
    """Inputs with one step of each row replaced by that of the next row, and which rows differ."""
    x = given.inputs.movedim(given.time_axis, 0).clone()
    other = x[origin].roll(1, 0)
    differs = (x[origin] != other).flatten(1).any(1) if x.dim() > 2 else x[origin] != other
    x[origin] = other
    return x.movedim(0, given.time_axis), differs


class _StateExchange:
    """Moves the state of each row toward that of the next row by a share, after one step."""

    def __init__(self, origin: int, share: float, length: int) -> None:
        self._origin, self._share, self._length = origin, share, length

    def __call__(self, step: Step) -> Named | None:
        at = self._length - 1 - self._origin if step.reverse else self._origin
        if step.number != at:
            return None
        return {
            name: torch.lerp(tensor, tensor.roll(1, step.axes.get(name, 0)), self._share)
            for name, tensor in step.after.items()
        }
