"""The strip of a clip: its frames over time, with the running probabilities under them.

Legend: T frames, H, W, C of a frame, S steps, K classes.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from elman.plots import style

Frames: TypeAlias = npt.NDArray[np.uint8]
Segment: TypeAlias = tuple[float, float, str, float]
"""Its begin and end in seconds, its label, and the probability of that."""

COLORS = (style.BLUE, style.RED, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
_WIDE = 11.0
_PICTURES = 12
_MOST_CURVES = 6
_FAINT = 0.05
"""Classes that are never more probable are not drawn."""


class Thumbnails:
    """Some frames of a clip of unknown length, evenly spaced: every nth, n twice as large whenever
    there are too many.
    """

    def __init__(self, most: int = 8 * _PICTURES) -> None:
        self._most, self._every, self._kept = most, 1, []  # type: int, int, list[Frames]
        self.count = 0

    def push(self, frames: Frames) -> None:
        """Frames (T, H, W, C) that come next."""
        for frame in frames:
            if self.count % self._every == 0:
                self._kept.append(frame.copy())
                if len(self._kept) > self._most:
                    self._kept, self._every = self._kept[::2], 2 * self._every
            self.count += 1

    def spread(self, pictures: int) -> list[Frames]:
        """So many of them, those in the middle of equal stretches; a short clip has fewer."""
        wanted = (np.arange(pictures) + 0.5) * self.count / pictures
        places = np.minimum((wanted // self._every).astype(int), len(self._kept) - 1)
        return [self._kept[place] for place in places]


@dataclass(frozen=True, eq=False)
class Strip:
    """What is drawn of a clip.

    Attributes:
        title: what it is called.
        pictures: frames of it.
        rate: frames a second.
        begin: the second of the first.
        outputs: (S, K) the probability of each class after each frame; (1, K) of a network that
            answers at the end only.
        names: (K,) the classes.
        segments: what was found in it, if that was asked for.
    """

    title: str
    pictures: Thumbnails
    rate: float
    begin: float
    outputs: npt.NDArray[np.float32]
    names: tuple[str, ...]
    segments: tuple[Segment, ...] = ()


def draw_strip(strip: Strip, path: Path) -> None:
    """Draw the frames of a clip over time, the probabilities, and its segments.

    Raises:
        InputError: an unknown suffix, or without matplotlib.
    """
    style.check_figure(path)
    count = min(strip.pictures.count, _PICTURES)
    pictures = strip.pictures.spread(count)
    height, width = pictures[0].shape[:2]
    tall = float(np.clip(_WIDE / count * height / width, 0.5, 2.5))
    heights = [tall, 1.9] + ([0.35] if strip.segments else [])
    begin, end = strip.begin, strip.begin + strip.pictures.count / strip.rate
    texts = [strip.title, *strip.names]
    with style.new_figure(path, (_WIDE, sum(heights) + 1.1), texts) as figure:
        rows = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        figure.suptitle(_title(strip), x=0.01, ha="left", fontsize=10)
        _pictures(rows[0], pictures, begin, end)
        colors = _outputs(rows[1], strip, end)
        if strip.segments:
            _segments(rows[2], strip, colors)
        rows[-1].set_xlabel("seconds")
        rows[-1].set_xlim(begin, end)


def _title(strip: Strip) -> str:
    if strip.segments:
        count = len(strip.segments)
        return f"{strip.title}: {count:,} {'segment' if count == 1 else 'segments'}"
    last = strip.outputs[-1]
    best = int(last.argmax())
    return f"{strip.title}: {strip.names[best]}, {100 * last[best]:.0f} %"


def _pictures(axes: Any, pictures: list[Frames], begin: float, end: float) -> None:
    """The frames side by side, each over the stretch of time in whose middle it is."""
    edges = np.linspace(begin, end, len(pictures) + 1)
    for frame, left, right in zip(pictures, edges, edges[1:], strict=False):
        shown = frame[..., 0] if frame.shape[2] == 1 else frame
        gap = 0.015 * (right - left)
        axes.imshow(
            shown, cmap="gray", vmin=0, vmax=255, aspect="auto", interpolation="nearest",
            extent=(left + gap, right - gap, 0, 1),
        )  # fmt: skip
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.grid(visible=False)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _outputs(axes: Any, strip: Strip, end: float) -> dict[str, str]:
    """The curves of the most probable classes; the color of each."""
    outputs, title = strip.outputs, "probability of each class, of all frames so far"
    times = strip.begin + (np.arange(len(outputs)) + 1) / strip.rate
    if len(outputs) == 1 and strip.pictures.count > 1:
        outputs, times = np.repeat(outputs, 2, axis=0), np.array([strip.begin, end])
        title = "probability of each class, known at the end"
    peaks = outputs.max(axis=0, initial=0)
    order = [int(k) for k in np.argsort(-peaks, kind="stable") if peaks[k] >= _FAINT]
    # What the segments are called is drawn first, or their colors would mean nothing.
    said = list(dict.fromkeys(name for _, _, name, _ in strip.segments))
    named = [strip.names.index(name) for name in said]
    shown = [*named, *(k for k in order if k not in named)][:_MOST_CURVES]
    colors = {strip.names[k]: COLORS[place % len(COLORS)] for place, k in enumerate(shown)}
    marker = "o" if len(times) == 1 else None
    for k in shown:
        name = strip.names[k]
        axes.plot(
            times, outputs[:, k], color=colors[name], linewidth=1.4, label=name, marker=marker
        )
    axes.set_ylim(0, 1.04)
    axes.set_yticks([0, 0.5, 1])
    axes.set_title(title)
    axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
    return colors


def _segments(axes: Any, strip: Strip, colors: dict[str, str]) -> None:
    axes.set_title("segments")
    axes.set_ylim(0, 1)
    axes.set_yticks([])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)
    whole = max(strip.pictures.count / strip.rate, 1e-9)
    for begin, end, name, _ in strip.segments:
        color = colors.get(name, style.GREY)
        axes.barh(0.5, end - begin, left=begin, height=0.9, color=color, edgecolor="white")
        # Room for about 13 characters an inch; the color says the rest.
        if len(name) <= 13 * _WIDE * 0.8 * (end - begin) / whole:
            axes.text(
                (begin + end) / 2, 0.5, name, ha="center", va="center", color="white", fontsize=8
            )
