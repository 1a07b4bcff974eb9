"""A diagnosis written down: one HTML file with its pictures inside, PNGs, and JSON."""

from __future__ import annotations

import base64
import html
import math
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from string import Template
from typing import Any, TypeAlias

from elman.diagnostics.diagnosis import Diagnosis, Layer, Measurements
from elman.diagnostics.gradients import INPUT
from elman.diagnostics.reach import Reach
from elman.diagnostics.verdicts import THRESHOLDS, Verdict
from elman.files import atomic_path, write_json, write_text
from elman.plots.diagnosis import figures

Table: TypeAlias = tuple[Sequence[str], Sequence[Sequence[str]]]
"""The head and the rows."""

CAPTIONS: Mapping[str, str] = {
    "gradient": "The gradient of the loss at step t with respect to the state and the input k steps"
    " back. A straight line down is a factor lost at every step; the dashed line is where training"
    " cuts it off.",
    "intervention": "What stood k steps back is replaced by what another row has there, and the"
    " change of the output is measured.",
    "jacobian": "A step stretches the state at most by the largest singular value; repeated for"
    " ever it would grow by the spectral radius. The Lyapunov exponents are the mean growth along"
    " the sequence.",
    "gates": "Values of each gate over all steps, rows and units. Orange: a part with values within"
    " 1 % of an end, where less than 1 % of the slope is left.",
    "time-constants": "How many steps each unit holds what it has, from the gate that keeps.",
}
LAYER_NOTE = (
    "stretch: the largest singular value of a step's Jacobian, and radius: its spectral radius,"
    " both in the median; Lyapunov exponent: the largest, in nats per step, ± its standard error;"
    " holds: the median time constant in steps; new: the share of an update that is new;"
    " dead, constant: units"
)
MISSING = 'pictures need matplotlib: pip install "elman[plot]"'


def write_report(
    diagnosis: Diagnosis,
    folder: str | Path,
    *,
    title: str = "Diagnosis",
    attempts: Table | None = None,
) -> list[str]:
    """Write diagnosis.json, report.html and a PNG for each picture into `folder`.

    Args:
        diagnosis: what `diagnose` gave.
        folder: made where it is not there; files of an earlier report are replaced.
        title: of the page.
        attempts: a table of mends that were tried.

    Returns:
        What is missing and how to get it, in a line each.

    Raises:
        OSError: the folder cannot be written.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    try:
        pictures = figures(diagnosis.measured)
    except ImportError:
        pictures, missing = {}, [MISSING]
    for name, png in pictures.items():
        with atomic_path(folder / f"{name}.png") as partial:
            partial.write_bytes(png)
    write_json(folder / "diagnosis.json", as_json(diagnosis, attempts))
    write_text(folder / "report.html", as_html(diagnosis, pictures, title, attempts))
    return missing


def as_json(diagnosis: Diagnosis, attempts: Table | None = None) -> dict[str, Any]:
    """Everything that was measured, as plain values; what is not finite is null."""
    measured = diagnosis.measured
    plain: dict[str, Any] = _plain(
        {
            "verdicts": [
                {**vars(verdict), "settings": dict(verdict.settings)}
                for verdict in diagnosis.verdicts
            ],
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
                    "what": one.what,
                    "unit": one.unit,
                    "floor": one.floor,
                    "reach": vars(one.reach),
                    "lags": one.lags.tolist(),
                    "median": one.median.tolist(),
                }
                for one in measured.interventions
            ],
            "attempts": None
            if attempts is None
            else [dict(zip(attempts[0], row, strict=True)) for row in attempts[1]],
            "thresholds": {name: vars(limit) for name, limit in THRESHOLDS.items()},
        }
    )
    return plain


def _layer(layer: Layer) -> dict[str, Any]:
    active, constants = layer.activity, layer.activity.time_constants
    return {
        "place": layer.place,
        "gradient": {
            name: {
                "reach": vars(layer.reaches[name]),
                "median": profile.quantile(0.5).tolist(),
                "lower_quartile": profile.quantile(0.25).tolist(),
                "upper_quartile": profile.quantile(0.75).tolist(),
                "median_norm": profile.norms.nanquantile(0.5, dim=0).tolist(),
            }
            for name, profile in layer.profiles.items()
        },
        "jacobian": {
            "steps": layer.jacobians.numbers,
            "largest_singular_value": layer.jacobians.singular.tolist(),
            "spectral_radius": layer.jacobians.radius.tolist(),
        },
        "lyapunov": {
            "exponents": layer.exponents.exponents.tolist(),
            "errors": layer.exponents.errors.tolist(),
            "steps": layer.exponents.steps,
        },
        "gates": [
            {**vars(gate), "histogram": gate.histogram.tolist(), "saturated": gate.saturated}
            for gate in active.gates
        ],
        "dead_units": active.dead.nonzero().flatten().tolist(),
        "constant_units": active.constant.nonzero().flatten().tolist(),
        "units": len(active.dead),
        "time_constants": None if constants is None else constants.tolist(),
        "new": active.new,
    }


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def reach_table(measured: Measurements) -> Table:
    """The reach by each way of looking, one row each."""
    rows = []
    for layer in measured.layers:
        for name, reach in layer.reaches.items():
            what = {"h": "hidden state h", "c": "cell state c", INPUT: "input"}.get(name, name)
            rows.append(["gradient", layer.place, what, *_reach(reach)])
    for one in measured.interventions:
        where = "all layers" if one.what == "state" else "model"
        rows.append(["intervention", where, f"{one.what} replaced", *_reach(one.reach)])
    for what, known in (("truncation", measured.truncation), ("needed", measured.needs)):
        if known is not None:
            text = "training goes back" if what == "truncation" else "lag of the task"
            rows.append([what, "", text, str(known), ""])
    return (["by", "where", "of", f"reach, {measured.unit}", "95 %"], rows)


def _reach(reach: Reach) -> tuple[str, str]:
    sign = "≥ " if reach.censored else ""
    return f"{sign}{reach.steps:.1f}", f"{reach.low:.1f} to {reach.high:.1f}"


def layer_table(measured: Measurements) -> Table:
    """The figures of each layer; `LAYER_NOTE` says what the columns are."""
    head = [
        *("layer", "stretch", "radius", "Lyapunov exponent", "holds", "new", "dead", "constant"),
    ]
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
    return head, rows


def as_html(
    diagnosis: Diagnosis,
    pictures: Mapping[str, bytes],
    title: str,
    attempts: Table | None = None,
) -> str:
    """The report as one page that loads nothing."""
    measured = diagnosis.measured
    page = Template(files("elman.plots").joinpath("diagnosis_report.html").read_text("utf-8"))
    rows = [[name, f"{t.value:g} {t.unit}", t.meaning] for name, t in THRESHOLDS.items()]
    tried = "" if attempts is None else f"<h2>Mends, tried</h2>\n{_table(*attempts)}"
    shown = "\n".join(_figure(name, png) for name, png in pictures.items())
    return page.substitute(
        title=html.escape(title),
        subtitle=html.escape(
            f"mean loss {measured.gradient.mean_loss:.4g}, lags up to {measured.gradient.max_lag}"
            f" {measured.unit}, {len(measured.layers[0].profiles['input'].norms)} samples"
        ),
        verdicts="\n".join(map(_card, diagnosis.verdicts)),
        attempts=tried,
        reaches=_table(*reach_table(measured)),
        pictures=shown or f'<p class="note">{html.escape(MISSING)}</p>',
        layers=_table(*layer_table(measured)),
        layer_note=html.escape(LAYER_NOTE),
        thresholds=_table(["verdict", "limit", "when"], rows),
    )


def _card(verdict: Verdict) -> str:
    where = "" if verdict.place is None else f" in {html.escape(verdict.place)}"
    kind = "verdict healthy" if verdict.is_healthy else "verdict"
    return (
        f'<div class="{kind}"><b>{verdict.name}</b>{where}<p>{html.escape(verdict.evidence)}</p>'
        f'<p class="mend">{html.escape(verdict.mend)}</p></div>'
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    def line(cells: Sequence[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    return "\n".join(["<table>", line(head, "th"), *(line(row, "td") for row in rows), "</table>"])


def _figure(name: str, png: bytes) -> str:
    data = base64.b64encode(png).decode()
    caption = html.escape(CAPTIONS[name])
    return (
        f'<figure><img alt="{html.escape(name)}" src="data:image/png;base64,{data}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )
