"""The figures of a diagnosis, as PNG.

Legend: K the largest lag.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from elman.diagnostics.gradients import INPUT
from elman.diagnostics.measurements import Layer, Measurements
from elman.diagnostics.reach import THRESHOLD
from elman.plots import style

QUANTITIES: Mapping[str, tuple[str, str, str]] = {
    "h": (style.BLUE, "-", "hidden state h"),
    "c": (style.ORANGE, "--", "cell state c"),
    INPUT: (style.GREEN, "-.", "input x"),
}
LOWEST = 1e-8
"""Ratios below it are not drawn."""

MOST_LAYERS = 6


def figures(measured: Measurements) -> dict[str, bytes]:
    """Each figure as PNG by name, in the order in which they explain one another."""
    activities = [layer.activity for layer in measured.layers]
    keeps = any(activity.time_constants is not None for activity in activities)
    needed: dict[str, tuple[Callable[[Any, Measurements], None], bool]] = {
        "gradient": (_gradient, True),
        "intervention": (_intervention, bool(measured.interventions)),
        "jacobian": (_jacobian, True),
        "gates": (_gates, any(activity.gates for activity in activities)),
        "time-constants": (_time_constants, keeps),
    }
    drawn = {}
    for name, (draw, there) in needed.items():
        if there:
            with style.new_figure(file := io.BytesIO()) as figure:
                draw(figure, measured)
            drawn[name] = file.getvalue()
    return drawn


def _shown(measured: Measurements) -> Sequence[Layer]:
    """All layers, or the lowest and the topmost of many."""
    layers, half = measured.layers, MOST_LAYERS // 2
    return layers if len(layers) <= MOST_LAYERS else (*layers[:half], *layers[-half:])


def _grid(
    figure: Any, count: int, height: float = 3.6, most: int = 2, narrow: float = 7.6
) -> list[Any]:
    """Axes for `count` panels, `most` in a row; `narrow` is the width of a single one."""
    columns = min(count, most)
    rows = -(-count // columns)
    figure.set_size_inches(narrow if columns == 1 else 11.0, height * rows)
    axes = figure.subplots(rows, columns, squeeze=False).flatten()
    for unused in axes[count:]:
        unused.set_visible(False)
    return list(axes[:count])


def _mark(
    axes: Any, at: float, text: str, color: str, dash: str, height: float, side: str = "right"
) -> None:
    """Draw a vertical line with its meaning beside it."""
    axes.axvline(at, color=color, linestyle=dash, linewidth=1.2)
    right = side == "right"
    axes.annotate(
        text, (at, height), xycoords=("data", "axes fraction"), xytext=(3 if right else -3, 0),
        textcoords="offset points", fontsize=8, color=color, va="top",
        ha="left" if right else "right",
    )  # fmt: skip


def _limits(axes: Any, measured: Measurements) -> None:
    for name, lag, color, dash, height in (
        ("truncation", measured.truncation, style.GREY, "--", 0.98),
        ("needed", measured.needs, style.RED, ":", 0.86),
    ):
        if lag is not None and lag <= measured.gradient.max_lag:
            _mark(axes, lag, f"{name} {lag}", color, dash, height, "left")


def _gradient(figure: Any, measured: Measurements) -> None:
    layers = _shown(measured)
    for axes, layer in zip(_grid(figure, len(layers)), layers, strict=True):
        lags = np.arange(measured.gradient.max_lag + 1)
        lowest = 1.0
        for name, profile in layer.profiles.items():
            color, dash, text = QUANTITIES.get(name, (style.SKY, ":", name))
            curves = (profile.quantile(share).numpy() for share in (0.25, 0.5, 0.75))
            low, middle, high = (np.where(curve < LOWEST, np.nan, curve) for curve in curves)
            low = np.where(np.isnan(low) & ~np.isnan(high), LOWEST, low)
            reach = layer.reaches[name]
            sign = "≥ " if reach.censored else ""
            label = f"{text}: reach {sign}{reach.steps:.0f}"
            axes.plot(lags, middle, color=color, linestyle=dash, label=label)
            axes.fill_between(lags, low, high, color=color, alpha=0.15, linewidth=0)
            lowest = min(lowest, float(np.nanmin(middle, initial=1.0)))
        style.label_line(axes, THRESHOLD, "1 %")
        _limits(axes, measured)
        style.log_scale(axes, "y")
        axes.set_ylim(bottom=max(lowest, LOWEST) / 2)
        axes.set_title(f"{layer.place}: gradient of the loss by lag")
        axes.set_xlabel(f"lag k, {measured.unit} back")
        axes.set_ylabel("ratio to lag 0\n(median, quartiles shaded)")
        axes.legend(loc="best")


def _intervention(figure: Any, measured: Measurements) -> None:
    (axes,) = _grid(figure, 1)
    floor = measured.interventions[0].floor
    styles = ((style.GREEN, "-."), (style.BLUE, "-"))
    for one, (color, dash) in zip(measured.interventions, styles, strict=False):
        sign = "≥ " if one.reach.censored else ""
        median = one.median.numpy()
        axes.plot(
            one.lags.numpy(), np.where(median < floor / 1e3, np.nan, median), color=color,
            linestyle=dash, marker="o" if len(one.lags) < 40 else None, markersize=3,
            label=f"{one.what} replaced: reach {sign}{one.reach.steps:.0f}",
        )  # fmt: skip
        axes.axvspan(one.reach.low, one.reach.high, color=color, alpha=0.12, linewidth=0)
    style.label_line(axes, floor, "noise floor")
    _limits(axes, measured)
    style.log_scale(axes, "y")
    axes.set_title("effect on the output of replacing the input or the state k steps back")
    axes.set_xlabel(f"lag k, {measured.unit} back")
    axes.set_ylabel(f"median effect ({measured.interventions[0].unit})")
    axes.legend()


def _jacobian(figure: Any, measured: Measurements) -> None:
    layers = _shown(measured)
    along, exponents = _grid(figure, 2, 3.8)
    markers = "os^Dvx"
    colors = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.SKY, style.PURPLE)
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
    along.axhline(1, color=style.GREY, linewidth=0.8)
    style.log_scale(along, "y")
    along.set_title("Jacobian of one step")
    along.set_xlabel(f"step of the sequence, {measured.unit}")
    along.set_ylabel("growth in one step (1: norms are preserved)")
    along.legend(fontsize=7)
    exponents.axhline(0, color=style.GREY, linewidth=0.8)
    style.whole_numbers(exponents)
    exponents.set_title("Lyapunov exponents (bars: ± 2 standard errors)")
    exponents.set_xlabel("exponent, from the largest")
    exponents.set_ylabel("nats per step (below 0: forgets)")
    exponents.legend()


def _gates(figure: Any, measured: Measurements) -> None:
    gates = [(layer, gate) for layer in _shown(measured) for gate in layer.activity.gates]
    grid = _grid(figure, len(gates), 2.5, most=4, narrow=5.0)
    for axes, (layer, gate) in zip(grid, gates, strict=True):
        edges = np.linspace(-1.0 if gate.squashed else 0.0, 1.0, len(gate.histogram) + 1)
        bars = axes.bar(
            edges[:-1], 100 * gate.histogram.numpy(), np.diff(edges), align="edge", color=style.SKY,
            edgecolor="white", linewidth=0.4,
        )  # fmt: skip
        # Bars of values whose slope is below 1 % have their own color.
        for end, share in ((0, gate.low), (-1, gate.high)):
            if share > 0.005:
                bars[end].set_color(style.RED)
        axes.set_title(
            f"{layer.place}  {gate.name}\nsaturated {gate.low:.0%} low, {gate.high:.0%} high",
            fontsize=9,
        )
        axes.set(xlabel="value", ylabel="share, %")


def _time_constants(figure: Any, measured: Measurements) -> None:
    layers = [one for one in _shown(measured) if one.activity.time_constants is not None]
    for axes, layer in zip(_grid(figure, len(layers), 3.2), layers, strict=True):
        constants = layer.activity.time_constants
        assert constants is not None
        values = constants.clamp(1e-2, 1e6).numpy()
        edges = np.geomspace(max(values.min() * 0.9, 1e-2), values.max() * 1.1, 31)
        axes.hist(values, edges, color=style.SKY, edgecolor="white", linewidth=0.4)
        style.log_scale(axes, "x")
        middle = float(np.median(values))
        _mark(axes, middle, f"median {middle:.2g}", style.RED, "-", 0.98)
        _limits(axes, measured)
        new = layer.activity.new
        share = "" if new is None else f"; {new:.0%} of an update is new"
        axes.set_title(f"{layer.place}: time constants of units{share}")
        axes.set_xlabel(f"effective time constant, {measured.unit} until 1/e is left")
        axes.set_ylabel("units")
        style.whole_numbers(axes, "y")
