"""The pictures of a diagnosis, as PNG. They need matplotlib, the extra `plot`.

Legend: K the largest lag.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.diagnostics.diagnosis import Layer, Measurements
from elman.diagnostics.gradients import INPUT
from elman.diagnostics.reach import THRESHOLD

# Okabe and Ito's palette, which color-blind people can tell apart; line styles differ as well.
BLUE, ORANGE, GREEN, RED, SKY, GREY = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "0.35",
)  # fmt: skip
QUANTITIES: Mapping[str, tuple[str, str, str]] = {
    "h": (BLUE, "-", "hidden state h"),
    "c": (ORANGE, "--", "cell state c"),
    INPUT: (GREEN, "-.", "input x"),
}
LOWEST = 1e-8
"""Ratios below it are not drawn."""

MOST_LAYERS = 6


def figures(measured: Measurements) -> dict[str, bytes]:
    """Each picture as PNG by name, in the order in which they explain one another.

    Raises:
        ImportError: matplotlib is not installed.
    """
    drawn = {"gradient": _picture(_gradient, measured)}
    if measured.interventions:
        drawn["intervention"] = _picture(_intervention, measured)
    drawn["jacobian"] = _picture(_jacobian, measured)
    if any(layer.activity.gates for layer in measured.layers):
        drawn["gates"] = _picture(_gates, measured)
    if any(layer.activity.time_constants is not None for layer in measured.layers):
        drawn["time-constants"] = _picture(_time_constants, measured)
    return drawn


def _picture(draw: Callable[[Any, Measurements], None], measured: Measurements) -> bytes:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(layout="constrained", dpi=130)
    FigureCanvasAgg(figure)
    draw(figure, measured)
    file = io.BytesIO()
    figure.savefig(file, format="png")
    return file.getvalue()


def _shown(measured: Measurements) -> Sequence[Layer]:
    """The layers that are drawn: all, or the lowest and the uppermost of many."""
    layers, half = measured.layers, MOST_LAYERS // 2
    return layers if len(layers) <= MOST_LAYERS else (*layers[:half], *layers[-half:])


def _grid(figure: Any, count: int, height: float = 3.6) -> list[Any]:
    columns = min(count, 2)
    rows = -(-count // columns)
    figure.set_size_inches(7.6 if columns == 1 else 11.0, height * rows)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for unused in axes[count:]:
        unused.set_visible(False)
    return list(axes[:count])


def _mark(
    axes: Any, at: float, text: str, color: str, style: str, height: float, side: str = "right"
) -> None:
    """A vertical line with its meaning written beside it."""
    axes.axvline(at, color=color, linestyle=style, linewidth=1.2)
    right = side == "right"
    axes.annotate(
        text, (at, height), xycoords=("data", "axes fraction"), xytext=(3 if right else -3, 0),
        textcoords="offset points", fontsize=8, color=color, va="top",
        ha="left" if right else "right",
    )  # fmt: skip


def _limits(axes: Any, measured: Measurements) -> None:
    if measured.truncation is not None and measured.truncation <= measured.gradient.max_lag:
        _mark(
            axes, measured.truncation, f"truncation {measured.truncation}", GREY, "--", 0.98, "left"
        )
    if measured.needs is not None and measured.needs <= measured.gradient.max_lag:
        _mark(axes, measured.needs, f"needed {measured.needs}", RED, ":", 0.86, "left")


def _gradient(figure: Any, measured: Measurements) -> None:
    layers = _shown(measured)
    for axes, layer in zip(_grid(figure, len(layers)), layers, strict=True):
        lags = np.arange(measured.gradient.max_lag + 1)
        lowest = 1.0
        for name, profile in layer.profiles.items():
            color, style, text = QUANTITIES.get(name, (SKY, ":", name))
            curves = (profile.quantile(share).numpy() for share in (0.25, 0.5, 0.75))
            low, middle, high = (np.where(curve < LOWEST, np.nan, curve) for curve in curves)
            low = np.where(np.isnan(low) & ~np.isnan(high), LOWEST, low)
            reach = layer.reaches[name]
            sign = "≥ " if reach.censored else ""
            label = f"{text}: reach {sign}{reach.steps:.0f}"
            axes.plot(lags, middle, color=color, linestyle=style, label=label)
            axes.fill_between(lags, low, high, color=color, alpha=0.15, linewidth=0)
            lowest = min(lowest, float(np.nanmin(middle, initial=1.0)))
        axes.axhline(THRESHOLD, color=GREY, linewidth=0.8)
        axes.annotate(
            "1 %", (1, THRESHOLD), xycoords=("axes fraction", "data"), xytext=(-3, 3),
            textcoords="offset points", ha="right", fontsize=8, color=GREY,
        )  # fmt: skip
        _limits(axes, measured)
        axes.set_yscale("log")
        axes.set_ylim(bottom=max(lowest, LOWEST) / 2)
        axes.set_title(f"{layer.place}: gradient of the loss, by lag", fontsize=10)
        axes.set_xlabel(f"lag k, {measured.unit} back")
        axes.set_ylabel("norm over that at lag 0\n(median, quartiles shaded)")
        axes.legend(fontsize=8, loc="best", framealpha=0.9)
        axes.grid(alpha=0.25)


def _intervention(figure: Any, measured: Measurements) -> None:
    (axes,) = _grid(figure, 1)
    floor = measured.interventions[0].floor
    for one, (color, style) in zip(
        measured.interventions, ((GREEN, "-."), (BLUE, "-")), strict=False
    ):
        sign = "≥ " if one.reach.censored else ""
        median = one.median.numpy()
        median = np.where(median < floor / 1e3, np.nan, median)
        label = f"{one.what} replaced: reach {sign}{one.reach.steps:.0f}"
        marker = "o" if len(one.lags) < 40 else None
        axes.plot(
            one.lags.numpy(),
            median,
            color=color,
            linestyle=style,
            marker=marker,
            markersize=3,
            label=label,
        )
        axes.axvspan(one.reach.low, one.reach.high, color=color, alpha=0.12, linewidth=0)
    axes.axhline(floor, color=GREY, linewidth=0.8)
    axes.annotate(
        "noise floor", (1, floor), xycoords=("axes fraction", "data"), xytext=(-3, 3),
        textcoords="offset points", ha="right", fontsize=8, color=GREY,
    )  # fmt: skip
    _limits(axes, measured)
    axes.set_yscale("log")
    axes.set_title("how far the output moves when something k steps back is replaced", fontsize=10)
    axes.set_xlabel(f"lag k, {measured.unit} back")
    axes.set_ylabel(f"median movement ({measured.interventions[0].unit})")
    axes.legend(fontsize=8, framealpha=0.9)
    axes.grid(alpha=0.25)


def _jacobian(figure: Any, measured: Measurements) -> None:
    layers = _shown(measured)
    along, exponents = _grid(figure, 2, 3.8)
    markers = "os^Dvx"
    colors = (BLUE, ORANGE, GREEN, RED, SKY, GREY)
    for index, layer in enumerate(layers):
        marker, color = markers[index], colors[index]
        found = layer.jacobians
        along.plot(
            found.numbers, found.singular.numpy(), color=color, marker=marker, markersize=4,
            label=f"{layer.place}: largest singular value",
        )  # fmt: skip
        along.plot(
            found.numbers, found.radius.numpy(), color=color, marker=marker, markersize=4,
            linestyle=":", mfc="white", label=f"{layer.place}: spectral radius",
        )  # fmt: skip
        values = layer.exponents
        places = np.arange(1, len(values.exponents) + 1) + 0.08 * index
        exponents.errorbar(
            places, values.exponents.numpy(), yerr=2 * values.errors.numpy(), color=color,
            marker=marker, markersize=4, linestyle="none", capsize=3, label=layer.place,
        )  # fmt: skip
    along.axhline(1, color=GREY, linewidth=0.8)
    along.set_yscale("log")
    along.set_title("Jacobian of one step", fontsize=10)
    along.set_xlabel(f"step of the sequence, {measured.unit}")
    along.set_ylabel("growth in one step (1: lengths are kept)")
    along.legend(fontsize=7, framealpha=0.9)
    exponents.axhline(0, color=GREY, linewidth=0.8)
    exponents.xaxis.get_major_locator().set_params(integer=True)
    exponents.set_title("Lyapunov exponents (bars: ± 2 standard errors)", fontsize=10)
    exponents.set_xlabel("number, from the largest")
    exponents.set_ylabel("nats per step (below 0: forgets)")
    exponents.legend(fontsize=8)
    for axes in (along, exponents):
        axes.grid(alpha=0.25)


def _gates(figure: Any, measured: Measurements) -> None:
    gates = [(layer, gate) for layer in _shown(measured) for gate in layer.activity.gates]
    columns = min(len(gates), 4)
    rows = -(-len(gates) // columns)
    figure.set_size_inches(11.0 if columns > 1 else 5.0, 2.5 * rows)
    grid = figure.subplots(rows, columns, squeeze=False)
    for unused in grid.flatten()[len(gates) :]:
        unused.set_visible(False)
    for axes, (layer, gate) in zip(grid.flatten(), gates, strict=False):
        edges = np.linspace(-1.0 if gate.squashed else 0.0, 1.0, len(gate.histogram) + 1)
        bars = axes.bar(
            edges[:-1], 100 * gate.histogram.numpy(), np.diff(edges), align="edge", color=SKY,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        # Where a slope is left of less than a percent, in a color of its own.
        for end, share in ((0, gate.low), (-1, gate.high)):
            if share > 0.005:
                bars[end].set_color(RED)
        axes.set_title(
            f"{layer.place}  {gate.name}\nsaturated {gate.low:.0%} low, {gate.high:.0%} high",
            fontsize=9,
        )
        axes.set_xlabel("value", fontsize=8)
        axes.set_ylabel("share, %", fontsize=8)
        axes.tick_params(labelsize=8)


def _time_constants(figure: Any, measured: Measurements) -> None:
    layers = [one for one in _shown(measured) if one.activity.time_constants is not None]
    for axes, layer in zip(_grid(figure, len(layers), 3.2), layers, strict=True):
        constants = layer.activity.time_constants
        assert constants is not None
        values = constants.clamp(1e-2, 1e6).numpy()
        edges = np.geomspace(max(values.min() * 0.9, 1e-2), values.max() * 1.1, 31)
        axes.hist(values, edges, color=SKY, edgecolor="white", linewidth=0.4)
        axes.set_xscale("log")
        middle = float(np.median(values))
        _mark(axes, middle, f"median {middle:.2g}", RED, "-", 0.98)
        _limits(axes, measured)
        new = layer.activity.new
        share = "" if new is None else f"; {new:.0%} of an update is new, {1 - new:.0%} kept"
        axes.set_title(f"{layer.place}: how long units hold{share}", fontsize=10)
        axes.set_xlabel(f"effective time constant, {measured.unit} until 1/e is left")
        axes.set_ylabel("units")
