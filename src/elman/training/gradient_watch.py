"""Watching gradients while a task trains: how much of them is left at the states k steps back.

Legend: T time, B batch, K the largest lag.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from time import perf_counter
from typing import Any, Literal, TypeAlias, cast, final

import torch
from torch import Tensor, nn

from elman.data.batching import IGNORE, Batch
from elman.diagnostics.gradients import INPUT, GradientByLag, gradient_by_lag
from elman.diagnostics.losses import last_scored
from elman.diagnostics.reach import farthest, reach_by_gradient
from elman.diagnostics.verdicts import SMALLER_GRADIENT, gradient_verdict, longer_memory
from elman.errors import InputError
from elman.layers.instrument import recurrent_layers
from elman.machine import untouched_randomness
from elman.streaming.stream import evaluating
from elman.training.contracts import Objective, Observation, RowLosses, StepEvent
from elman.training.tbptt import Window, unroll

Fault: TypeAlias = Literal["vanishing", "exploding"]

PREFIX = "gradient"
EVERY = 100
PLANNED = 0.015
"""Share of the time, where the user has not said how often to measure. At most 2 % is promised, and
a measurement may take longer than the one before it."""

ROWS = 4
REPLICATES = 50
SECONDS_PER_STEP = 1.2e-3
"""The overhead of one time step of one layer, from which the first measurement is planned: its
arithmetic is less than that of a training step."""


@final
class GradientWatch:
    """Measures, every so many steps, |d loss_t / d h_{t-k}| by lag k, and c's likewise.

    t is the last step of the batch (of the last chunk, where gradients reach over several), and k
    goes back to the first: what a measurement costs is one pass by single steps over a few rows.
    Dropout is off in it. Neither weights, gradients nor random states are touched, so the run is to
    the bit the one that was not watched.

    Without a number from the user the next measurement waits until all of them, it included, take
    at most `PLANNED` of the time since the first step, so as to stay below the 2 % promised.

    Where a gradient vanishes or explodes, by the limits of `elman.diagnostics.verdicts`, in two
    measurements in a row, one warning says so, with what to do.

    `every` is the number of steps between measurements; 0 for none, None for a bounded share of the
    time. The kind of `cell` decides what the warning recommends.
    """

    def __init__(self, objective: Objective, every: int | None, cell: str | None = None) -> None:
        self._objective = objective
        self._every = EVERY if every is None else every
        self._bounded = every is None
        places = len(recurrent_layers(objective.model))
        self._pace = SECONDS_PER_STEP * places
        self._watchable = places > 0 and self._every > 0
        self._cell = cell
        self._before: set[tuple[str, Fault]] = set()
        self._warned: set[Fault] = set()
        self._spent = 0.0
        self._calls = 0
        self._began = 0.0

    def after_backward(self, event: StepEvent) -> Observation | None:
        """Measure, if it is time to."""
        if not self._calls:
            self._began = perf_counter()
        self._calls += 1
        if not self._watchable or event.step % self._every:
            return None
        if not math.isfinite(event.loss) or not math.isfinite(event.grad_norm):
            return None  # the loop says what is wrong
        begin = perf_counter()
        elapsed = begin - self._began
        length = sum(batch.steps for batch in (*event.chunks, event.batch))
        planned = self._pace * length + (0.0 if self._spent else elapsed / self._calls)
        if self._bounded and self._spent + planned > PLANNED * elapsed:
            return None
        measured = measure(self._objective, event)
        warning = "" if measured is None else self._warning(event.step, measured)
        cost = perf_counter() - begin
        self._pace = cost / length
        self._spent += cost
        return None if measured is None else Observation(record(measured), warning)

    def _warning(self, step: int, measured: GradientByLag) -> str:
        """What two measurements in a row have found, each fault once."""
        found = findings(measured, self._cell)
        texts = []
        for (place, fault), text in found.items():
            if (place, fault) in self._before and fault not in self._warned:
                self._warned.add(fault)
                texts.append(text)
        self._before = set(found)
        return f"step {step}: {'; '.join(texts)}" if texts else ""


def measure(objective: Objective, event: StepEvent) -> GradientByLag | None:
    """The gradient by lag in a few rows of the step's batch; None where there is no lag at all."""
    if not isinstance(event.batch, Batch):
        return _measure_rows(objective, event)
    batch = _last_step_alone(_few(event.batch))
    chunks = tuple(_few(cast("Batch", chunk)) for chunk in event.chunks)
    length = sum(len(chunk.inputs) for chunk in (*chunks, batch))
    if length < 2 or not batch.units:
        return None
    rows = list(range(batch.batch_size))
    window = Window(None if event.state is None else event.state.select(rows), chunks)

    def losses(model: nn.Module, last: Batch) -> Tensor:
        result, _ = unroll(objective, window, last, 0)
        # Rows do not mix, so the gradient of their sum holds that of each.
        return (result.loss * result.units / len(rows)).expand(len(rows))

    with evaluating(event.model), untouched_randomness():
        return gradient_by_lag(event.model, batch, losses=losses, max_lag=length - 1)


def _measure_rows(objective: Objective, event: StepEvent) -> GradientByLag | None:
    """The same for batches of a task's own kind; None where the task does not support it."""
    if not isinstance(objective, RowLosses):
        return None
    with evaluating(event.model), untouched_randomness():
        try:
            return gradient_by_lag(
                event.model, event.batch, losses=lambda _, batch: objective.row_losses(batch, ROWS)
            )
        except InputError:
            return None  # a batch without a lag, which is no reason to end a training


def findings(measured: GradientByLag, cell: str | None) -> dict[tuple[str, Fault], str]:
    """The layers whose gradient vanishes or explodes, each with what to do about it."""
    found: dict[tuple[str, Fault], str] = {}
    for place in measured.places:
        states = [p for p in measured.profiles if p.place == place and p.quantity != INPUT]
        profiles = [profile for profile in states if len(profile.ratios)]
        if not profiles:
            continue  # no loss reaches it at lag 0, so that nothing can be compared
        reach = farthest(reach_by_gradient(p, replicates=REPLICATES) for p in profiles)
        largest, lag = max(profile.largest for profile in profiles)
        verdict = gradient_verdict(reach, largest)
        if verdict == "vanishing":
            found[place, verdict] = (
                f"the gradient vanishes in {place}: under 1 % of it is left after "
                f"{reach.steps:.1f} steps; {longer_memory(cell, None)[1]}"
            )
        elif verdict == "exploding":
            found[place, verdict] = (
                f"the gradient explodes in {place}: {lag} steps back it is {largest:.3g} times "
                f"that at lag 0; {SMALLER_GRADIENT}"
            )
    return found


def _few(batch: Batch) -> Batch:
    rows = slice(0, ROWS)
    return Batch(
        batch.inputs[:, rows],
        batch.targets[:, rows],
        None if batch.reset is None else batch.reset[rows],
        None if batch.lengths is None else batch.lengths[rows],
    )


def _last_step_alone(batch: Batch) -> Batch:
    """Only the last target of each row counts."""
    order = torch.arange(len(batch.targets), device=batch.targets.device).unsqueeze(1)
    earlier = order != last_scored(batch.targets)
    return replace(batch, targets=batch.targets.masked_fill(earlier, IGNORE))


def lags(largest: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, … and the largest: two to each doubling."""
    chosen = {largest}
    power = 1
    while power <= largest:
        chosen |= {lag for lag in (power, power * 3 // 2) if lag <= largest}
        power *= 2
    return sorted(chosen)


def record(measured: GradientByLag) -> Mapping[str, float]:
    """The median of the norm over that at lag 0, as ``gradient/PLACE/QUANTITY/LAG``."""
    numbers: dict[str, float] = {}
    for profile in measured.profiles:
        if profile.quantity != INPUT and len(profile.ratios):
            median = profile.quantile(0.5)
            for lag in lags(measured.max_lag):
                if not math.isnan(median[lag]):  # where the place takes that many steps
                    name = f"{PREFIX}/{profile.place}/{profile.quantity}/{lag}"
                    numbers[name] = float(f"{float(median[lag]):.4g}")
    return numbers


def curves_of(records: Iterable[Mapping[str, Any]]) -> dict[str, dict[int, dict[int, float]]]:
    """What was recorded in a run's metrics: PLACE/QUANTITY -> step -> lag -> ratio to lag 0."""
    curves: dict[str, dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    for measured in records:
        for name, value in measured.items():
            if name.startswith(f"{PREFIX}/"):
                which, _, lag = name.removeprefix(f"{PREFIX}/").rpartition("/")
                curves[which][measured["step"]][int(lag)] = math.nan if value is None else value
    return curves
