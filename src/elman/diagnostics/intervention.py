"""How the output moves when something k steps back is replaced: what a network does remember.

A gradient says what an infinitely small change would do, and what training can reach. Here an
input, or the whole state, is replaced by what stands at the same step in another row of the batch,
and the distribution of the output k steps later is set beside the one there would have been.

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
from elman.layers.state import State

JITTER = 0.01
"""The share of a state that is exchanged, at lag 0, to measure the noise floor."""

ORIGINS = 4
"""Steps at which something is replaced, where every step has an output that counts."""

LAGS = 24
"""Lags that are looked at, where only a few steps have such an output."""


@dataclass(frozen=True, eq=False)
class Intervention:
    """How far the outputs moved, by lag.

    Attributes:
        what: "input" or "state": what was replaced. The state is that of all layers together.
        lags: (L,) steps from the replacement to the output.
        moved: (L, N) the divergence of each sample, in nats; NaN where there is none.
        floor: what a change of 1 % of the state does at once; below it an effect is lost.
        unit: what `moved` is.
        reach: the lag from which on the median stays under the floor, with a bootstrap interval.
    """

    what: str
    lags: Tensor
    moved: Tensor
    floor: float
    unit: str
    reach: Reach

    @property
    def median(self) -> Tensor:
        """(L,)."""
        return self.moved.nanquantile(0.5, dim=1)


def intervene(taken: DiagnosisInput, max_lag: int) -> list[Intervention]:
    """Replace inputs and states up to `max_lag` steps back; nothing where there is only one row.

    The movement of the output is KL(p || q) in nats, where p is the distribution without the
    replacement and q the one with it. Where outputs are numbers it is |y - y'|² / (2 s²), the KL
    of two normal distributions of one variance s², which is that of the outputs over the data.

    The noise floor is the movement when `JITTER` of the state is exchanged at lag 0, in the median:
    an effect is lost once a full replacement does less than that. In a linear network this reach
    by the state is the reach by the gradient, ln(0.01) / ln(rho).
    """
    if taken.rows < 2:
        return []
    with torch.no_grad():
        plain = taken.outputs(taken.inputs)
        steps = tuple(range(taken.steps)) if taken.scored is None else taken.scored
        if plain.dim() == 2:
            steps = (taken.steps - 1,)
        divergence = _divergence(plain, taken.categorical)
        origins = _origins(steps, taken.steps, max_lag)

        def by_input(origin: int) -> tuple[Tensor, Tensor]:
            changed, differs = _exchange(taken, origin)
            return divergence(taken.outputs(changed)), differs

        def by_state(origin: int, share: float = 1.0) -> tuple[Tensor, Tensor]:
            with watched(taken.model, _StateExchange(origin, share, taken.steps)):
                moved = divergence(taken.outputs(taken.inputs))
            return moved, torch.ones(taken.rows, dtype=torch.bool)

        jitter = _collect(
            lambda origin: by_state(origin, JITTER),
            origins[:2] if len(origins) <= ORIGINS else origins,
            1,
        )
        floors = jitter[1].nanquantile(0.5, dim=1)
        # Single precision moves the output by some 1e-14 nats by itself.
        floor = max(float(floors.nan_to_num(0).amax()) if len(floors) else 0.0, 1e-12)
        unit = "KL, nats" if taken.categorical else "|Δy|² / 2s², nats"
        found = []
        for what, act in {"input": by_input, "state": by_state}.items():
            if what == "input" and not _exchangeable(taken):
                continue
            lags, moved = _collect(act, origins, max_lag)
            # Samples come row after row of the batch, again and again.
            rows = np.arange(moved.shape[1]) % taken.rows
            reach = bootstrap(moved.T.numpy(), rows, floor, lags.numpy())
            found.append(Intervention(what, lags, moved, floor, unit, reach))
    return found


Origins = list[tuple[int, tuple[int, ...]]]
"""Steps at which to replace, each with the steps whose outputs are looked at."""


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
    """Samples by lag: `act` gives movements (T, B) or (B,), and which rows were changed."""
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


def _exchangeable(taken: DiagnosisInput) -> bool:
    x = taken.inputs.movedim(taken.time_axis, 0)
    return bool((x != x.roll(1, 1)).any())


def _exchange(taken: DiagnosisInput, origin: int) -> tuple[Tensor, Tensor]:
    """The inputs with one step of each row that of the next row, and which rows that changes."""
    x = taken.inputs.movedim(taken.time_axis, 0).clone()
    other = x[origin].roll(1, 0)
    differs = (x[origin] != other).flatten(1).any(1) if x.dim() > 2 else x[origin] != other
    x[origin] = other
    return x.movedim(0, taken.time_axis), differs


class _StateExchange:
    """Moves a share of each row's state toward that of the next row, after one step."""

    def __init__(self, origin: int, share: float, length: int) -> None:
        self._origin, self._share, self._length = origin, share, length

    def __call__(self, step: Step) -> Named | None:
        at = self._length - 1 - self._origin if step.reverse else self._origin
        if step.number != at:
            return None
        axes = step.after.axes if isinstance(step.after, State) else {}
        return {
            name: torch.lerp(tensor, tensor.roll(1, axes.get(name, 0)), self._share)
            for name, tensor in step.after.items()
        }
