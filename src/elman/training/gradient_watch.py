"""Gradients by lag, measured during training.

Legend: T time, B batch, K the largest lag.
"""

from __future__ import annotations

import json
import math
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from time import perf_counter
from typing import Literal, TypeAlias, cast, final

import torch
from torch import Tensor, nn

from elman.data.batching import IGNORE, Batch
from elman.diagnostics.gradients import INPUT, GradientByLag, gradient_by_lag
from elman.diagnostics.reach import farthest, reach_by_gradient
from elman.diagnostics.verdicts import SMALLER_GRADIENT, gradient_verdict, longer_memory
from elman.errors import InputError
from elman.layers.instrument import recurrent_layers
from elman.machine import untouched_randomness
from elman.streaming.stream import evaluating
from elman.training.config import TrainingConfig
from elman.training.contracts import Objective, Observation, RowLosses, StepEvent
from elman.training.tbptt import Window, unroll

Finding: TypeAlias = Literal["vanishing", "exploding"]

PREFIX = "gradient"
EVERY = 100
PLANNED = 0.015
"""Share of the training time, unless the user says how often to measure. The documented limit is
2 %, and a measurement may take longer than the one before it."""

ROWS = 4
REPLICATES = 50
SECONDS_PER_STEP = 1.2e-3
"""Overhead of one step of one layer, from which the cost of the first measurement is estimated."""


@final
class GradientWatch:
    """Measures |d loss_t / d h_{t-k}| by lag k, and that of c, every `config.watch` steps.

    t is the last step of the batch (of the last chunk, if gradients flow through several), and k
    goes back to the first, in one pass by single steps over a few rows, without dropout. Weights,
    gradients and random states are not changed, so training gives the same bits with and without.

    By default the next measurement waits until all of them together take at most `PLANNED` of the
    time since the first step.

    A gradient that vanishes or explodes in two measurements in a row, by the thresholds of
    `elman.diagnostics.verdicts`, is warned of once, with a remedy.

    Args:
        objective: what is trained.
        config: its `watch` is the number of steps between measurements.
    """

    def __init__(self, objective: Objective, config: TrainingConfig) -> None:
        self._objective = objective
        self._every = EVERY if config.watch is None else config.watch
        self._bounded = config.watch is None
        places = len(recurrent_layers(objective.model))
        self._window = config.truncation * (1 + config.chunks_back)
        self._pace = SECONDS_PER_STEP * places
        self._watchable = places > 0 and self._every > 0
        self._cell: str | None = getattr(config, "cell", None)
        self._before: set[tuple[str, Finding]] = set()
        self._told: set[Finding] = set()
        self._spent = 0.0
        self._calls = 0
        self._began = 0.0

    def after_backward(self, event: StepEvent) -> Observation | None:
        """Measure if it is due."""
        if not self._calls:
            self._began = perf_counter()
        self._calls += 1
        if not self._watchable or event.step % self._every:
            return None
        if not math.isfinite(event.loss) or not math.isfinite(event.grad_norm):
            return None  # the loop reports it
        begin = perf_counter()
        elapsed = begin - self._began
        length = getattr(event.batch, "steps", self._window)
        planned = self._pace * length
        if not self._spent:
            planned += elapsed / self._calls
        if self._bounded and self._spent + planned > PLANNED * elapsed:
            return None
        measured = measure(self._objective, event)
        warning = "" if measured is None else self._warning(event.step, measured)
        cost = perf_counter() - begin
        self._pace = cost / length
        self._spent += cost
        return None if measured is None else Observation(record(measured), warning)

    def _warning(self, step: int, measured: GradientByLag) -> str:
        """A warning of what two measurements in a row have found; each finding is told once."""
        found = {(place, name): text for place, name, text in findings(measured, self._cell)}
        texts = []
        for (place, name), text in found.items():
            if (place, name) in self._before and name not in self._told:
                self._told.add(name)
                texts.append(text)
        self._before = set(found)
        return f"step {step}: {'; '.join(texts)}" if texts else ""


def measure(objective: Objective, event: StepEvent) -> GradientByLag | None:
    """The gradient by lag in a few rows of the step's batch; None for a batch of one step."""
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
        # Rows are independent, so the gradient of the sum holds that of each row.
        return (result.loss * result.units / len(rows)).expand(len(rows))

    with evaluating(event.model), untouched_randomness():
        return gradient_by_lag(event.model, batch, losses=losses, max_lag=length - 1)


def _measure_rows(objective: Objective, event: StepEvent) -> GradientByLag | None:
    """The same for a task's own kind of batch; None if the task does not support it."""
    if not hasattr(objective, "row_losses"):
        return None
    own = cast("RowLosses", objective)
    with evaluating(event.model), untouched_randomness():
        try:
            return gradient_by_lag(
                event.model, event.batch, losses=lambda _, batch: own.row_losses(batch, ROWS)
            )
        except InputError:
            return None  # a batch of one step must not end the training


def findings(measured: GradientByLag, cell: str | None) -> Iterator[tuple[str, Finding, str]]:
    """Place, name and a sentence for each place whose gradient vanishes or explodes."""
    for place in measured.places:
        profiles = [
            p
            for p in measured.profiles
            if p.place == place and p.quantity != INPUT and len(p.ratios)
        ]
        if not profiles:
            continue  # without a gradient at lag 0 there is nothing to compare with
        reach = farthest(reach_by_gradient(p, replicates=REPLICATES) for p in profiles)
        largest, lag = max(profile.largest for profile in profiles)
        verdict = gradient_verdict(reach, largest)
        if verdict == "vanishing":
            text = (
                f"the gradient vanishes in {place}: it falls below 1 % after "
                f"{reach.steps:.1f} steps; {longer_memory(cell, None)[1]}"
            )
            yield place, verdict, text
        elif verdict == "exploding":
            text = (
                f"the gradient explodes in {place}: at lag {lag} it is {largest:.3g} times that "
                f"at lag 0; {SMALLER_GRADIENT}"
            )
            yield place, verdict, text


def _few(batch: Batch) -> Batch:
    rows = slice(0, ROWS)
    return Batch(
        batch.inputs[:, rows],
        batch.targets[:, rows],
        None if batch.reset is None else batch.reset[rows],
        None if batch.lengths is None else batch.lengths[rows],
    )


def _last_step_alone(batch: Batch) -> Batch:
    """The batch with the last target of each row only."""
    scored = batch.targets != IGNORE
    order = torch.arange(1, len(scored) + 1, device=scored.device).unsqueeze(1)
    place = torch.where(scored, order, 0)
    last = (place == place.amax(0)) & scored
    return Batch(batch.inputs, batch.targets.masked_fill(~last, IGNORE), batch.reset, batch.lengths)


def lags(largest: int) -> list[int]:
    """1, 2, 3, 4, 6, 8, 12, … and the largest."""
    chosen = {largest}
    power = 1
    while power <= largest:
        chosen |= {lag for lag in (power, power * 3 // 2) if lag <= largest}
        power *= 2
    return sorted(chosen)


def record(measured: GradientByLag) -> Mapping[str, float]:
    """Median ratios to the norm at lag 0, named ``gradient/PLACE/QUANTITY/LAG``."""
    numbers: dict[str, float] = {}
    for profile in measured.profiles:
        if profile.quantity == INPUT or not len(profile.ratios):
            continue
        median = profile.quantile(0.5)
        for lag in lags(measured.max_lag):
            if math.isnan(median[lag]):
                continue  # the layer takes fewer steps
            name = f"{PREFIX}/{profile.place}/{profile.quantity}/{lag}"
            numbers[name] = float(f"{float(median[lag]):.4g}")
    return numbers


def read_curves(metrics: Path) -> dict[str, dict[int, dict[int, float]]]:
    """What was recorded in metrics.jsonl: PLACE/QUANTITY -> step -> lag -> ratio to lag 0."""
    curves: dict[str, dict[int, dict[int, float]]] = defaultdict(lambda: defaultdict(dict))
    if not metrics.exists():
        return {}
    with metrics.open(encoding="utf-8") as lines:
        for line in lines:
            measured = json.loads(line)
            for name, value in measured.items():
                if name.startswith(f"{PREFIX}/"):
                    which, _, lag = name.removeprefix(f"{PREFIX}/").rpartition("/")
                    ratio = math.nan if value is None else value
                    curves[which][measured["step"]][int(lag)] = ratio
    return curves
