"""Verdicts: what is wrong with a network according to its measurements, and what to do about it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from torch import Tensor

from elman.diagnostics.measurements import Measurements
from elman.diagnostics.reach import Reach

Name = Literal[
    "vanishing", "exploding", "short truncation", "short reach", "saturated gates", "dead units",
    "constant units", "healthy",
]  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """A limit, and what it means to cross it."""

    value: float
    unit: str
    meaning: str


THRESHOLDS: Mapping[str, Threshold] = {
    "vanishing": Threshold(
        10,
        "steps",
        "in every tensor of some layer's state the gradient falls below 1 % of that at lag 0 within"
        " fewer steps than this, or than the task needs, if that is known",
    ),
    "exploding": Threshold(
        100, "times", "at some lag the gradient is at least this many times that at lag 0"
    ),
    "short truncation": Threshold(
        1,
        "times",
        "the lower end of the reach by gradient, or the lag that the task needs, is more than this"
        " many times the steps of backpropagation in training",
    ),
    "short reach": Threshold(
        1,
        "times",
        "the reach by intervention is less than this many times the lag that the task needs",
    ),
    "saturated gates": Threshold(
        0.8,
        "share",
        "at least this share of a gate's values, or of h in a tanh network, is within 1 % of an end"
        " of its range (for a forget gate or its equivalent, of the closed end)",
    ),
    "dead units": Threshold(
        0.1, "share", "at least this share of a layer's units is 0 at every step of every row"
    ),
    "constant units": Threshold(
        0.1, "share", "at least this share of a layer's units has one value other than 0 throughout"
    ),
}
"""The limits behind all verdicts; the manual shows this table."""


@dataclass(frozen=True)
class Verdict:
    """One finding.

    Attributes:
        name: of the finding.
        place: the layer and direction, or None for the whole network.
        evidence: the numbers behind it, in words.
        remedy: what to do.
        settings: the remedy as settings of a task, which `elman diagnose --try` trains.
    """

    name: Name
    place: str | None
    evidence: str
    remedy: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self.name == "healthy"


def verdicts_of(measured: Measurements) -> tuple[Verdict, ...]:
    """The findings, the most serious first; a single "healthy" where there are none."""
    if findings := tuple(verdict for rule in _RULES for verdict in rule(measured)):
        return findings
    layer = max(measured.layers, key=lambda layer: layer.reach.steps)
    reach = layer.reach.said(measured.unit)
    evidence = f"the gradient reaches {reach} in {layer.place}; no threshold is crossed"
    return (Verdict("healthy", None, evidence, "nothing to change"),)


def _limit(name: str) -> float:
    return THRESHOLDS[name].value


def gradient_verdict(
    reach: Reach, largest: float, needs: int | None = None
) -> Literal["vanishing", "exploding"] | None:
    """Whether the gradient by lag of one layer vanishes or explodes.

    `reach` is the longest by gradient over the tensors of its state, `largest` the largest ratio of
    the gradient at any lag to that at lag 0, `needs` the lag that the task needs, if known.
    """
    if largest >= _limit("exploding"):
        return "exploding"
    # Sequences that end before the limit can't show that the gradient vanishes.
    needed = _limit("vanishing") if needs is None else needs
    return "vanishing" if not reach.censored and reach.high < needed else None


def _vanishing(measured: Measurements) -> Iterator[Verdict]:
    needs = measured.needs
    settings, remedy = longer_memory(measured.cell, needs)
    limit = f"the limit is {_limit('vanishing'):.0f}"
    required = limit if needs is None else f"the task needs {needs}"
    for layer in measured.layers:
        reach = layer.reach
        if gradient_verdict(reach, layer.largest_gradient[0], needs) == "vanishing":
            evidence = (
                f"the gradient falls below 1 % after {reach.steps:.1f} {measured.unit} (95 %:"
                f" {reach.low:.1f} to {reach.high:.1f}); {required}; each step leaves"
                f" {math.exp(layer.lyapunov):.3f} of it (Lyapunov exponent"
                f" {layer.lyapunov:.3f} ± {layer.lyapunov_error:.3f})"
            )
            yield Verdict("vanishing", layer.place, evidence, remedy, settings)


def longer_memory(cell: str | None, needs: int | None) -> tuple[dict[str, object], str]:
    """The remedy for a memory that is too short, as settings and in words."""
    start: dict[str, object] = {"forget_bias": 2.0}
    bias = "a positive forget-gate bias (forget_bias=2)"
    if needs is not None and needs > 2:
        start = {"chrono": float(needs)}
        bias = f"forget-gate biases for up to {needs} steps (chrono={needs})"
    if cell in ("lstm", "gru"):
        return start, f"start with {bias}; if that is not enough, add layer norm"
    return {"cell": "lstm", "init": "torch", **start}, (
        f"use a gated cell, LSTM or GRU, with {bias}; to stay with an RNN, initialize V orthogonal"
        " (init='orthogonal')"
    )


SMALLER_GRADIENT = (
    "clip the gradient (clip_norm=0.5 or below), lower the learning rate, and initialize V"
    " orthogonal, so that a step preserves norms; layer norm helps to keep it so"
)
"""The remedy for a gradient that explodes."""


def _exploding(measured: Measurements) -> Iterator[Verdict]:
    for layer in measured.layers:
        ratio, lag = layer.largest_gradient
        if gradient_verdict(layer.reach, ratio) == "exploding":
            evidence = (
                f"the gradient at lag {lag} is {ratio:.3g} times"
                f" that at lag 0; largest Lyapunov exponent {layer.lyapunov:.3f} ±"
                f" {layer.lyapunov_error:.3f}, spectral radius of a step"
                f" {layer.spectral_radius:.2f}"
            )
            settings = {"clip_norm": 0.5, "init": "orthogonal"}
            yield Verdict("exploding", layer.place, evidence, SMALLER_GRADIENT, settings)


def _short_truncation(measured: Measurements) -> Iterator[Verdict]:
    truncation, needs = measured.truncation, measured.needs or 0
    longest = max(measured.layers, key=lambda layer: layer.reach.low)
    if truncation is None or (
        max(longest.reach.low, needs) / truncation <= _limit("short truncation")
    ):
        return
    wanted = 2 ** math.ceil(math.log2(max(math.ceil(longest.reach.steps), needs) + 1))
    needed = f", and the task needs {needs}" if needs else ""
    yield Verdict(
        "short truncation",
        None,
        f"training backpropagates {truncation} {measured.unit}; the gradient reaches"
        f" {longest.reach.said(measured.unit)} in {longest.place}{needed}",
        f"train with truncation={wanted}, to use the whole reach of the gradient",
        {"truncation": wanted},
    )


def _short_reach(measured: Measurements) -> Iterator[Verdict]:
    needs, reach = measured.needs, measured.reach_by_intervention
    if needs is None or reach is None or reach.censored:
        return
    if reach.high < _limit("short reach") * needs:
        settings, remedy = longer_memory(measured.cell, needs)
        evidence = (
            f"a change more than {reach.steps:.1f} {measured.unit} back (95 %: {reach.low:.1f} to"
            f" {reach.high:.1f}) has no effect on the output; the task needs {needs}"
        )
        remedy = f"train longer if the loss still falls; otherwise, {remedy}"
        yield Verdict("short reach", None, evidence, remedy, settings)


def _saturated(measured: Measurements) -> Iterator[Verdict]:
    limit = _limit("saturated gates")
    for layer in measured.layers:
        worst = [gate for gate in layer.activity.gates if gate.saturated >= limit]
        if not worst:
            continue
        names = ", ".join(f"{gate.name} {gate.saturated:.0%}" for gate in worst)
        evidence = f"share of values within 1 % of an end of their range: {names}"
        settings: dict[str, object] = {"layer_norm": True}
        remedy = "use layer norm inside the cell, smaller inputs, or a lower learning rate"
        if any(gate.keeps for gate in worst):
            settings = {"forget_bias": 1.0}
            remedy = "initialize the forget gate open (forget_bias=1)"
        yield Verdict("saturated gates", layer.place, evidence, remedy, settings)


def _dead(measured: Measurements) -> Iterator[Verdict]:
    remedy = "use tanh or a gated cell instead of ReLU, a lower learning rate, or fewer units"
    for layer in measured.layers:
        if evidence := _inactive("dead units", layer.activity.dead, "0"):
            yield Verdict("dead units", layer.place, evidence, remedy, {"cell": "lstm"})


def _constant(measured: Measurements) -> Iterator[Verdict]:
    remedy = "use layer norm, smaller biases or inputs, or fewer units"
    for layer in measured.layers:
        if evidence := _inactive("constant units", layer.activity.constant, "the same"):
            yield Verdict("constant units", layer.place, evidence, remedy, {"layer_norm": True})


def _inactive(name: Name, units: Tensor, value: str) -> str:
    """The evidence that too many units (H,) are inactive, or nothing."""
    share = float(units.float().mean())
    count = f"{int(units.sum())} of {len(units)} units ({share:.0%})"
    return f"{count} are {value} at every step of every row" if share >= _limit(name) else ""


_RULES: Sequence[Callable[[Measurements], Iterator[Verdict]]] = (
    _exploding,
    _vanishing,
    _short_reach,
    _short_truncation,
    _saturated,
    _dead,
    _constant,
)
