"""Loss against seconds of training: read from runs, kept as CSV, drawn as PNG."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass, fields
from pathlib import Path

from elman.files import atomic_path, write_text

Curve = Sequence["Point"]


@dataclass(frozen=True)
class Point:
    """One evaluation: updates so far, seconds of training so far, validation loss in nats."""

    step: int
    seconds: float
    loss: float


def read_run(metrics: Path) -> list[Point]:
    """The evaluations in a run's metrics.jsonl."""
    records = map(json.loads, metrics.read_text(encoding="utf-8").splitlines())
    return [
        Point(record["step"], record["seconds"], record["validation_loss"])
        for record in records
        if "validation_loss" in record
    ]


def write_csv(path: Path, curves: Mapping[str, Curve]) -> None:
    """One row for each reading of each curve."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["model", *(field.name for field in fields(Point))])
    for name, curve in curves.items():
        writer.writerows((name, *astuple(reading)) for reading in curve)
    write_text(path, text.getvalue())


def read_csv(path: Path) -> dict[str, list[Point]]:
    """What `write_csv` wrote; nothing where there is no file."""
    curves: dict[str, list[Point]] = {}
    if path.exists():
        for row in csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))):
            reading = Point(int(row["step"]), float(row["seconds"]), float(row["loss"]))
            curves.setdefault(row["model"], []).append(reading)
    return curves


def plot(path: Path, curves: Mapping[str, Curve], title: str, levels: Mapping[str, float]) -> None:
    """Draw the curves, and each of `levels` as a dashed line, into a PNG."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for name, curve in curves.items():
        axes.plot([r.seconds for r in curve], [r.loss for r in curve], marker=".", label=name)
    for number, (name, level) in enumerate(levels.items()):
        axes.axhline(level, color="0.5", linestyle=("--", ":")[number % 2], label=name)
    axes.set(xlabel="seconds of training", ylabel="validation loss, nats per character")
    axes.set_title(title)
    axes.set_xscale("log")
    axes.set_ylim(top=2.5)
    axes.grid(alpha=0.3)
    axes.legend()
    FigureCanvasAgg(figure)
    with atomic_path(path) as partial:
        figure.savefig(partial, format="png", dpi=120)
