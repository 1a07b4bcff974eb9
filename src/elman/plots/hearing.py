"""The figure of a recording as a network hears it: sound, states, outputs, and what comes out.

Legend: T frames, S steps, U units, K outputs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from elman.diagnostics.activations import Activations, Panel
from elman.diagnostics.heard import Heard
from elman.plots import style

COLORS = (style.BLUE, style.RED, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
_WIDEST = 24.0
_MOST_CURVES = 7
_FAINT = 0.05
"""Outputs that are never more probable are not drawn."""


def draw_hearing(path: Path, activations: Activations, panel: Panel, by: str) -> None:
    """Draw log-mels, the states of `panel` with its units in the order `by`, the probabilities
    of the outputs, and the text as it comes out, all over the same time.

    Raises:
        InputError: an unknown suffix, or without matplotlib.
    """
    heard = activations.heard
    assert heard is not None
    style.check_figure(path)
    step, unit = _clock(heard)
    end = max(len(heard.frames) / heard.stride, 1) * step
    heights = [1.5, 1.9, 1.5] + ([0.7] if heard.said else [])
    wide = float(np.clip(3.5 * end if unit == "seconds" else 9, 9, _WIDEST))
    texts = [activations.title, heard.result, *(name or "" for name in heard.names)]
    with style.new_figure(path, (wide, sum(heights) + 1.1), texts) as figure:
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        figure.suptitle(_title(activations.title, heard), x=0.01, ha="left", fontsize=10)
        _log_mels(rows[0], heard, end)
        _states(rows[1], panel, by, end)
        _outputs(rows[2], heard, step)
        if heard.said:
            _text(rows[3], heard, step, end, wide)
        rows[-1].set_xlabel(unit)
        rows[-1].set_xlim(0, end)


def _clock(heard: Heard) -> tuple[float, str]:
    """The length of a step, and what time is counted in."""
    seconds = heard.step_seconds
    return (float(heard.stride), "frames") if seconds is None else (seconds, "seconds")


def _title(name: str, heard: Heard) -> str:
    result = " ".join(heard.result.split())
    shown = result if len(result) <= 90 else f"{result[:89]}…"
    return f"{name}: {f'“{shown}”' if shown else 'nothing'}"


def _log_mels(axes: Any, heard: Heard, end: float) -> None:
    bins = heard.frames.shape[1]
    low = float(np.percentile(heard.frames, 5)) if heard.frames.size else 0.0
    axes.imshow(
        heard.frames.T, origin="lower", aspect="auto", cmap="magma", vmin=low,
        extent=(0, end, -0.5, bins - 0.5), interpolation="nearest",
    )  # fmt: skip
    axes.set_title("log-mel energies" if heard.hertz is not None else "features")
    axes.set_ylabel("Hz" if heard.hertz is not None else "feature")
    if heard.hertz is not None:
        marks = [hz for hz in (250, 500, 1000, 2000, 4000, 8000, 16000) if hz < heard.hertz[-1]]
        places = np.interp(marks, heard.hertz, np.arange(bins))
        axes.set_yticks(places, [f"{hz:,}" for hz in marks])
    axes.grid(visible=False)


def _states(axes: Any, panel: Panel, by: str, end: float) -> None:
    values = panel.values[:, panel.order(by)]
    # A few large values would leave all others pale.
    most = max(float(np.percentile(np.abs(values), 99)), 1e-6) if values.size else 1.0
    low, high, colors = (0.0, 1.0, "magma") if panel.is_gate else (-most, most, "RdBu_r")
    axes.imshow(
        values.T, aspect="auto", cmap=colors, vmin=low, vmax=high, interpolation="nearest",
        extent=(0, end, values.shape[1] - 0.5, -0.5),
    )  # fmt: skip
    axes.set_title(f"{panel.name} of {panel.layer}, units by {by}")
    axes.set_ylabel("unit")
    axes.grid(visible=False)


def _outputs(axes: Any, heard: Heard, step: float) -> None:
    outputs = heard.outputs
    axes.set_ylim(0, 1.12)
    axes.set_yticks([0, 0.5, 1])
    axes.set_ylabel("probability")
    axes.set_title("outputs")
    if len(outputs) == 1:  # known at the end, so for all of the recording
        outputs = np.repeat(outputs, max(1, -(-len(heard.frames) // heard.stride)), axis=0)
        axes.set_title("outputs, known at the end")
    times = (np.arange(len(outputs)) + 0.5) * step
    if heard.said or None in heard.names:
        blank = [place for place, name in enumerate(heard.names) if name is None]
        for place in blank:
            axes.plot(times, outputs[:, place], color="0.75", linewidth=0.8)
        spoken = [p for p in _likeliest(outputs, len(heard.names)) if p not in blank]
        for number, place in enumerate(spoken):
            color = COLORS[number % len(COLORS)]
            axes.plot(times, outputs[:, place], color=color, linewidth=1.1)
            for peak in _peaks(outputs[:, place]):
                axes.annotate(
                    _shown(heard.names[place] or ""), (times[peak], outputs[peak, place]),
                    xytext=(0, 1), textcoords="offset points", ha="center", va="bottom",
                    fontsize=7.5, color=color,
                )  # fmt: skip
        return
    for number, place in enumerate(_likeliest(outputs, _MOST_CURVES)):
        color = COLORS[number % len(COLORS)]
        label = _shown(heard.names[place] or "")
        axes.plot(times, outputs[:, place], color=color, linewidth=1.3, label=label)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))


def _likeliest(outputs: np.ndarray, most: int) -> list[int]:
    """The outputs that are ever probable, the most probable ones first."""
    peaks = outputs.max(axis=0, initial=0)
    order = np.argsort(-peaks, kind="stable")[:most]
    return [int(place) for place in order if peaks[place] >= _FAINT]


def _peaks(curve: np.ndarray) -> list[int]:
    """The tops of the stretches in which an output is more probable than not."""
    above = np.flatnonzero(np.diff(np.concatenate(([0], curve > 0.3, [0]))))
    return [int(a + curve[a:b].argmax()) for a, b in zip(above[::2], above[1::2], strict=True)]


def _text(axes: Any, heard: Heard, step: float, end: float, wide: float) -> None:
    """Each piece under the step at which it came out."""
    axes.set_title("text as it comes out")
    axes.set_yticks([])
    axes.set_ylim(0, 1)
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    room = end / max(wide * 11, 1)  # of a character, about
    taken = [-np.inf, -np.inf]
    for piece in heard.said:
        time = (piece.step + 0.5) * step
        # Pieces that would cover one another go to the row that is free first.
        line = 0 if taken[0] <= time else int(np.argmin(taken))
        axes.annotate(
            _shown(piece.text), (time, 1), xytext=(time, 0.6 - 0.45 * line),
            ha="center", va="center", fontsize=9, family="monospace",
            arrowprops={"arrowstyle": "-", "color": "0.8", "linewidth": 0.6, "shrinkA": 1},
        )  # fmt: skip
        taken[line] = time + room * (len(piece.text) + 0.5)


def _shown(text: str) -> str:
    """A piece of text, with a sign for a space alone."""
    return "␣" if text == " " else text.strip() or "·"
