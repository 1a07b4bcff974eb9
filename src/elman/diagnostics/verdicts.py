"""What ails a network, from what was measured, and what would mend it.

`THRESHOLDS` is the one table of limits; the manual shows it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from elman.diagnostics.diagnosis import Layer, Measurements
    from elman.diagnostics.reach import Reach

Name = Literal[
    "vanishing", "exploding", "short truncation", "short reach", "saturated gates", "dead units",
    "constant units", "healthy",
]  # fmt: skip


@dataclass(frozen=True)
class Threshold:
    """One limit: its value, its unit and what passing it means."""

    value: float
    unit: str
    meaning: str


THRESHOLDS: Mapping[str, Threshold] = {
    "vanishing": Threshold(
        10,
        "steps",
        "vanishing: in every tensor of some layer's state the gradient falls under 1 % of that at"
        " lag 0 within fewer steps than this, or than the task needs, if that is known",
    ),
    "exploding": Threshold(
        100, "times", "exploding: at some lag the gradient is at least so many times that at lag 0"
    ),
    "short truncation": Threshold(
        1,
        "times",
        "short truncation: the lower end of the reach by gradient, or the lag that the task needs,"
        " is more than so many times the steps that training goes back",
    ),
    "short reach": Threshold(
        1,
        "times",
        "short reach: the reach by intervention is less than so many times the lag that the task"
        " needs",
    ),
    "saturated gates": Threshold(
        0.8,
        "share",
        "saturated gates: so much of a gate's values, or of a tanh network's h, is within 1 % of an"
        " end of its range (of a gate that keeps, the closed end only)",
    ),
    "dead units": Threshold(
        0.1, "share", "dead units: so many units of a layer are 0 at every step of every row"
    ),
    "constant units": Threshold(
        0.1, "share", "constant units: so many units of a layer have one value other than 0"
    ),
}


@dataclass(frozen=True)
class Verdict:
    """One finding.

    Attributes:
        name: which.
        place: where, or None for the whole network.
        evidence: the numbers behind it, with their units in words.
        mend: what to do, in a sentence.
        settings: the mend as settings of a task, where it can be said so; `--try` trains them.
    """

    name: Name
    place: str | None
    evidence: str
    mend: str
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def is_healthy(self) -> bool:
        """Whether nothing is wrong."""
        return self.name == "healthy"


def judge(measured: Measurements) -> tuple[Verdict, ...]:
    """The verdicts, the gravest first; exactly one, healthy, where nothing is wrong."""
    found = [verdict for rule in _RULES for verdict in rule(measured)]
    return tuple(found) or (_healthy(measured),)


def _limit(name: str) -> float:
    return THRESHOLDS[name].value


def gradient_verdict(
    reach: Reach, longest: float, needs: int | None = None
) -> Literal["vanishing", "exploding"] | None:
    """What the gradient by lag says of one place.

    Args:
        reach: the longest reach by gradient of the tensors of its state.
        longest: the most that the gradient is at any lag, in times that at lag 0.
        needs: the lag that the task asks for, if known.
    """
    if longest >= _limit("exploding"):
        return "exploding"
    # Data that end before the limit can't tell.
    if not reach.censored and reach.high < _shortest(needs):
        return "vanishing"
    return None


def _shortest(needs: int | None) -> float:
    return _limit("vanishing") if needs is None else float(needs)


def _vanishing(measured: Measurements) -> list[Verdict]:
    needs = measured.needs
    limit = _shortest(needs)
    found = []
    for layer in measured.layers:
        reach = layer.reach
        if gradient_verdict(reach, layer.exploding_ratio, needs) != "vanishing":
            continue
        asked = "the limit without a known task" if needs is None else "what the task needs"
        settings, mend = remember(measured.cell, needs)
        found.append(
            Verdict(
                "vanishing",
                layer.place,
                f"the gradient is under 1 % after {reach.steps:.1f} steps (95 %: {reach.low:.1f} to"
                f" {reach.high:.1f}), {asked} is {limit:.0f}; per step"
                f" {math.exp(layer.lyapunov):.3f} of it is left (Lyapunov exponent"
                f" {layer.lyapunov:.3f} ± {layer.lyapunov_error:.3f})",
                mend,
                settings,
            )
        )
    return found


def remember(cell: str | None, needs: int | None) -> tuple[dict[str, object], str]:
    """A cell that holds, with gates that start to keep for as long as is needed."""
    start: dict[str, object] = {"forget_bias": 2.0}
    said = "a forget-gate bias above 0 (forget_bias=2)"
    if needs is not None and needs > 2:
        start = {"chrono": float(needs)}
        said = f"forget-gate biases for up to {needs} steps (chrono={needs})"
    if cell in ("lstm", "gru"):
        return start, f"start with {said}; then layer norm"
    return {"cell": "lstm", "init": "torch", **start}, (
        f"a cell that keeps, LSTM or GRU, with {said}; to stay with an RNN, start V orthogonal"
        " (init='orthogonal')"
    )


KEEP_LENGTHS = (
    "clip the gradient (clip_norm=0.5 or below), lower the learning rate, and start V orthogonal,"
    " whose step keeps lengths; layer norm holds it there"
)
"""The mend of what explodes."""


def _exploding(measured: Measurements) -> list[Verdict]:
    found = []
    for layer in measured.layers:
        if gradient_verdict(layer.reach, layer.exploding_ratio) != "exploding":
            continue
        found.append(
            Verdict(
                "exploding",
                layer.place,
                f"the gradient grows to {layer.exploding_ratio:.3g} times that at lag 0, at lag"
                f" {layer.exploding_lag}; largest Lyapunov exponent {layer.lyapunov:.3f} ±"
                f" {layer.lyapunov_error:.3f}, spectral radius of a step"
                f" {layer.spectral_radius:.2f}",
                KEEP_LENGTHS,
                {"clip_norm": 0.5, "init": "orthogonal"},
            )
        )
    return found


def _short_truncation(measured: Measurements) -> list[Verdict]:
    truncation = measured.truncation
    if truncation is None:
        return []
    longest = max(measured.layers, key=lambda layer: layer.reach.low)
    needs = measured.needs or 0
    asked = max(longest.reach.low, needs) / truncation
    if asked <= _limit("short truncation"):
        return []
    wanted = max(math.ceil(longest.reach.steps), needs)
    wanted = 2 ** math.ceil(math.log2(wanted + 1))
    needed = f", and the task needs {needs}" if needs else ""
    return [
        Verdict(
            "short truncation",
            None,
            f"training goes back {truncation} steps; the gradient reaches {longest.reach} in"
            f" {longest.place}{needed}",
            f"truncation={wanted}, so that training uses what the gradient can carry",
            {"truncation": wanted},
        )
    ]


def _short_reach(measured: Measurements) -> list[Verdict]:
    needs, reach = measured.needs, measured.reach_by_intervention
    if needs is None or reach is None or reach.censored:
        return []
    if reach.high >= _limit("short reach") * needs:
        return []
    settings, mend = remember(measured.cell, needs)
    return [
        Verdict(
            "short reach",
            None,
            f"replacing what stood more than {reach.steps:.1f} steps back (95 %: {reach.low:.1f} to"
            f" {reach.high:.1f}) changes nothing, and the task needs {needs}",
            f"train longer if it still improves; or else {mend}",
            settings,
        )
    ]


def _saturated(measured: Measurements) -> list[Verdict]:
    found = []
    for layer in measured.layers:
        worst = [
            gate
            for gate in layer.activity.gates
            if gate.saturated >= _limit("saturated gates")
        ]  # fmt: skip
        if not worst:
            continue
        names = ", ".join(f"{gate.name} {gate.saturated:.0%}" for gate in worst)
        keeps = any(gate.keeps for gate in worst)
        found.append(
            Verdict(
                "saturated gates",
                layer.place,
                f"share of values within 1 % of an end: {names}",
                "start the gate that keeps open, forget_bias=1, instead of shut"
                if keeps
                else "layer norm inside the cell, smaller inputs, or a lower learning rate",
                {"forget_bias": 1.0} if keeps else {"layer_norm": True},
            )
        )
    return found


def _still(measured: Measurements, name: Literal["dead units", "constant units"]) -> list[Verdict]:
    found = []
    for layer in measured.layers:
        units = layer.activity.dead if name == "dead units" else layer.activity.constant
        share = float(units.float().mean())
        if share < _limit(name):
            continue
        dead = name == "dead units"
        found.append(
            Verdict(
                name,
                layer.place,
                f"{int(units.sum())} of {len(units)} units ({share:.0%}) are"
                f" {'0' if dead else 'the same'} at every step of every row",
                "tanh or a gated cell for ReLU, a lower learning rate, or fewer units"
                if dead
                else "layer norm, smaller biases or inputs, or fewer units",
                {"cell": "lstm"} if dead else {"layer_norm": True},
            )
        )
    return found


_RULES: Sequence[Callable[[Measurements], list[Verdict]]] = (
    _exploding,
    _vanishing,
    _short_reach,
    _short_truncation,
    _saturated,
    lambda measured: _still(measured, "dead units"),
    lambda measured: _still(measured, "constant units"),
)


def _healthy(measured: Measurements) -> Verdict:
    layer: Layer = max(measured.layers, key=lambda layer: layer.reach.steps)
    return Verdict(
        "healthy",
        None,
        f"the gradient reaches {layer.reach} in {layer.place}; no limit is passed",
        "nothing to mend",
    )
