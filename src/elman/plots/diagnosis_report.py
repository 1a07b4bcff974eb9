"""A diagnosis as files: a page with its figures inside, each figure as PNG, and JSON."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from pydantic_core import to_jsonable_python

from elman.checksums import replace_listed
from elman.diagnostics.diagnosis import Diagnosis
from elman.diagnostics.gradients import INPUT
from elman.diagnostics.measurements import Layer, Measurements
from elman.diagnostics.reach import Reach
from elman.diagnostics.verdicts import THRESHOLDS
from elman.files import json_bytes
from elman.plots.diagnosis import figures
from elman.plots.page import render
from elman.plots.style import is_available

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]
"""The head and the rows."""

CAPTIONS: Mapping[str, str] = {
    "gradient": "The gradient of the loss at step t with respect to the state and the input k steps"
    " back. A straight line means that each step loses the same factor. The dashed line is the"
    " truncation of training.",
    "intervention": "The input or the state k steps back is replaced by that of another row, and"
    " the change of the output is measured.",
    "jacobian": "One step stretches the state at most by the largest singular value; repeated, the"
    " same step grows it by the spectral radius. The Lyapunov exponents are the mean growth along"
    " the sequence.",
    "gates": "Values of each gate over all steps, rows and units. Orange: values within 1 % of an"
    " end of the range, where less than 1 % of the slope is left.",
    "time-constants": "The number of steps for which each unit holds its state, from its forget or"
    " update gate.",
}
LAYER_NOTE = (
    "singular value and radius: the largest singular value and the spectral radius of a step's"
    " Jacobian, medians over steps; Lyapunov exponent: the largest, in nats per step, ± its"
    " standard error; time constant: median in steps; new: share of an update that is new;"
    " dead, constant: units"
)
MISSING = 'figures need matplotlib: pip install "elman[plot]"'


def write_report(
    diagnosis: Diagnosis,
    folder: str | Path,
    *,
    title: str = "Diagnosis",
    attempts: Table | None = None,
) -> list[str]:
    """Write report.html, diagnosis.json and a PNG of each figure to `folder`.

    Args:
        diagnosis: from `elman.diagnose`.
        folder: created if it does not exist; files of an earlier report are replaced.
        title: of the page.
        attempts: a table of remedies that were tried.

    Returns:
        What is missing and how to get it, in a line each.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    drawn = figures(diagnosis.measured) if is_available() else {}
    files = {f"{name}.png": png for name, png in drawn.items()}
    files["diagnosis.json"] = json_bytes(as_json(diagnosis, attempts))
    files["report.html"] = as_html(diagnosis, drawn, title, attempts).encode()
    replace_listed(folder, files)
    return [] if drawn else [MISSING]


def as_json(diagnosis: Diagnosis, attempts: Table | None = None) -> dict[str, Any]:
    """All measurements and verdicts as plain values; numbers that are not finite become null."""
    measured = diagnosis.measured
    values = {
        "verdicts": diagnosis.verdicts,
        "unit": measured.unit,
        "cell": measured.cell,
        "truncation": measured.truncation,
        "needs": measured.needs,
        "mean_loss": measured.gradient.mean_loss,
        "max_lag": measured.gradient.max_lag,
        "times": measured.gradient.times,
        "layers": [_layer(layer) for layer in measured.layers],
        "interventions": [
            {
                name: getattr(one, name)
                for name in ("what", "unit", "floor", "reach", "lags", "median")
            }
            for one in measured.interventions
        ],
        "attempts": attempts and [dict(zip(attempts[0], row, strict=True)) for row in attempts[1]],
        "thresholds": THRESHOLDS,
    }
    plain: dict[str, Any] = to_jsonable_python(
        values, inf_nan_mode="null", fallback=lambda tensor: tensor.tolist()
    )
    return plain


def _layer(layer: Layer) -> dict[str, Any]:
    active = layer.activity
    return {
        "place": layer.place,
        "gradient": {
            name: {
                "reach": layer.reaches[name],
                "median": profile.quantile(0.5),
                "lower_quartile": profile.quantile(0.25),
                "upper_quartile": profile.quantile(0.75),
                "median_norm": profile.norms.nanquantile(0.5, dim=0),
            }
            for name, profile in layer.profiles.items()
        },
        "jacobian": {
            "steps": layer.jacobians.numbers,
            "largest_singular_value": layer.jacobians.singular,
            "spectral_radius": layer.jacobians.radius,
        },
        "lyapunov": layer.exponents,
        "gates": [{**vars(gate), "saturated": gate.saturated} for gate in active.gates],
        "dead_units": active.dead.nonzero().flatten(),
        "constant_units": active.constant.nonzero().flatten(),
        "units": len(active.dead),
        "time_constants": active.time_constants,
        "new": active.new,
    }


def reach_table(measured: Measurements) -> Table:
    """The reach by gradient and by intervention, a row each."""
    rows = []
    for layer in measured.layers:
        for name, reach in layer.reaches.items():
            what = {"h": "hidden state h", "c": "cell state c", INPUT: "input"}.get(name, name)
            rows.append(["gradient", layer.place, what, *_reach(reach)])
    for one in measured.interventions:
        where = "all layers" if one.what == "state" else "model"
        rows.append(["intervention", where, f"{one.what} replaced", *_reach(one.reach)])
    if measured.truncation is not None:
        rows.append(["truncation", "", "steps of backpropagation", str(measured.truncation), ""])
    if measured.needs is not None:
        rows.append(["needed", "", "lag of the task", str(measured.needs), ""])
    return (["by", "where", "of", f"reach, {measured.unit}", "95 %"], rows)


def _reach(reach: Reach) -> tuple[str, str]:
    sign = "≥ " if reach.censored else ""
    return f"{sign}{reach.steps:.1f}", f"{reach.low:.1f} to {reach.high:.1f}"


def layer_table(measured: Measurements) -> Table:
    """A row for each layer; `LAYER_NOTE` explains the columns."""
    names = "layer, singular value, radius, Lyapunov exponent, time constant, new, dead, constant"
    rows = []
    for layer in measured.layers:
        active, constants = layer.activity, layer.activity.time_constants
        rows.append(
            [
                layer.place,
                f"{float(layer.jacobians.singular.median()):.2f}",
                f"{layer.spectral_radius:.3f}",
                f"{layer.lyapunov:+.4f} ± {layer.lyapunov_error:.4f}",
                "-" if constants is None else f"{float(constants.median()):.2g}",
                "-" if active.new is None else f"{active.new:.0%}",
                f"{int(active.dead.sum())} of {len(active.dead)}",
                f"{int(active.constant.sum())} of {len(active.constant)}",
            ]
        )
    return names.split(", "), rows


def as_html(
    diagnosis: Diagnosis,
    figures: Mapping[str, bytes],
    title: str,
    attempts: Table | None = None,
) -> str:
    """The report as a page that loads nothing else; `figures` are PNGs by name."""
    measured = diagnosis.measured
    limits = [[name, f"{t.value:g} {t.unit}", t.meaning] for name, t in THRESHOLDS.items()]
    return render(
        "diagnosis_report.html",
        title=title,
        subtitle=f"mean loss {measured.gradient.mean_loss:.4g}, lags up to"
        f" {measured.gradient.max_lag} {measured.unit},"
        f" {len(measured.layers[0].profiles[INPUT].norms)} samples",
        verdicts=diagnosis.verdicts,
        attempts=attempts,
        reaches=reach_table(measured),
        figures=[
            (name, CAPTIONS[name], base64.b64encode(png).decode()) for name, png in figures.items()
        ],
        missing=MISSING,
        layers=layer_table(measured),
        layer_note=LAYER_NOTE,
        thresholds=(["verdict", "limit", "condition"], limits),
    )
