"""Activations on a terminal: a heat map that runs along with the text, or plain lines.

Legend: T steps, U units.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TextIO

import numpy as np
from rich.cells import cell_len
from rich.console import Console
from rich.live import Live
from rich.style import Style
from rich.text import Text

from elman.diagnostics.activations import BY_TIME_CONSTANT, Activations, Expected, Floats, Panel

MOST_LINES = 20
LEFT, RIGHT = 9, 7  # columns for names and for numbers
BARS = "▁▂▃▄▅▆▇█"
SHADES = " ░▒▓█"
FRAMES_PER_SECOND = 30
UPPER_HALF = "▀"
PLAIN_UNITS = 24
_SIGNS = {"\\n": "↵", "\\t": "→", "\\r": "←"}


@dataclass(frozen=True)
class Picture:
    """One panel of the activations, its units in an order, and the gates beside it."""

    activations: Activations
    panel: Panel
    by: str

    @property
    def gates(self) -> list[Panel]:
        """The gates of the panel's layer."""
        return [p for p in self.activations.panels if p.layer == self.panel.layer and p.is_gate]

    def rows(self, count: int) -> tuple[Floats, Floats | None]:
        """(T, count) of the values scaled to -1 … 1, of units spread over the order; their tau."""
        order = self.panel.order(self.by)
        chosen = order[np.linspace(0, len(order) - 1, min(count, len(order))).round().astype(int)]
        tau = self.panel.time_constants
        scaled = self.panel.values[:, chosen] / max(-self.panel.low, self.panel.high)
        return scaled, None if tau is None else tau[chosen]

    def title(self) -> str:
        """What the picture shows, in a line."""
        units = self.panel.values.shape[1]
        ends = ", short to long" if self.by == BY_TIME_CONSTANT else ""
        what = f"{self.panel.name} of {self.panel.layer} · {units} units by {self.by}{ends}"
        return f"{what} · {_printable(self.activations.title)}"


def play(picture: Picture, console: Console, speed: float) -> None:
    """Show the activations as it goes on, `speed` steps a second; 0 shows its end at once."""
    last = len(picture.activations.steps) - 1
    with Live(console=console, auto_refresh=False, vertical_overflow="crop") as live:
        began, t = time.monotonic(), 0 if speed else last
        while True:
            live.update(frame(picture, t, console), refresh=True)
            if t == last:
                return
            time.sleep(1 / min(speed, FRAMES_PER_SECOND))
            t = min(last, max(t + 1, int((time.monotonic() - began) * speed)))


def frame(picture: Picture, t: int, console: Console) -> Text:
    """The picture when step `t` has been read, as wide as the console."""
    activations, panel = picture.activations, picture.panel
    # Sixteen colors cannot tell one value from the next; shades can.
    colored = console.color_system in ("256", "truecolor") and not console.no_color
    columns = max(8, console.width - LEFT - RIGHT)
    gates = picture.gates
    lines = min(
        MOST_LINES, max(2, console.height - 7 - len(gates) - (activations.heard is not None))
    )
    values, tau = picture.rows(lines * (2 if colored else 1))
    window = slice(max(0, t + 1 - columns), t + 1)
    out = [Text(picture.title(), style="bold"), _read(activations, window, columns)]
    if activations.heard is not None:
        loud = Text(_bars(activations.heard.levels[window], 1.0))
        out.append(_line("sound", loud, columns))
    draw = _half_blocks if colored else _shades
    for line, cells in enumerate(draw(values[window], signed=not panel.is_gate)):
        place = line * (2 if colored else 1)
        name = "" if tau is None else f"τ {tau[place]:.1f}"
        out.append(_line(name, cells, columns))
    for gate in gates:
        means = gate.values[window].mean(1)
        out.append(_line(gate.key, Text(_bars(means, 1.0)), columns, f"{means[-1]:.2f}"))
    if any(step.surprise is not None for step in activations.steps):
        surprise = [step.surprise or 0.0 for step in activations.steps]
        now = activations.steps[t].surprise
        bars = Text(_bars(surprise[window], max(1.0, *surprise)))
        out.append(_line(activations.unit, bars, columns, "" if now is None else f"{now:.1f}"))
    guesses = Text(_guesses(activations.expected_after(t)))
    out.append(_line(activations.ahead, guesses, columns + RIGHT))
    for shown in out:
        shown.truncate(console.width)
    return Text("\n", no_wrap=True).join(out)


def _line(name: str, cells: Text, columns: int, number: str = "") -> Text:
    """A name, cells over time, the newest at the right end of what is filled, and a number."""
    cells.truncate(columns)
    return Text.assemble(f"{name[: LEFT - 1]:<{LEFT}}", cells, f" {number}" if number else "")


def _read(activations: Activations, window: slice, columns: int) -> Text:
    """What was read, or came out, above its columns where every label fits into one."""
    name = "read" if activations.heard is None else "says"
    labels = [_SIGNS.get(s.label, _printable(s.label)) for s in activations.steps[: window.stop]]
    if all(cell_len(label) == 1 for label in labels):
        return _line(name, Text("".join(labels[window])), columns)
    shown: list[str] = []
    room = columns
    between = "" if activations.is_text else " "
    for label in reversed(labels):
        room -= cell_len(label + between)
        if room < 0:
            break
        shown.append(label)
    return _line(name, Text(between.join(reversed(shown))), columns)


def _half_blocks(values: Floats, signed: bool) -> Iterable[Text]:
    """Two units a line: the upper one is the foreground of a half block, the lower the ground."""
    for pair in range(0, values.shape[1], 2):
        line = Text()
        for row in values[:, pair : pair + 2]:
            ground = f" on {_color(row[1], signed)}" if len(row) == 2 else ""
            line.append(UPPER_HALF, Style.parse(_color(row[0], signed) + ground))
        yield line


def _color(value: float, signed: bool) -> str:
    """Blue below 0, black at 0, red above; a gate from black (shut) to yellow (open)."""
    most = (80, 150, 255) if value < 0 else (255, 90, 60) if signed else (255, 225, 90)
    size = min(abs(float(value)), 1.0)
    return "#" + "".join(f"{round(16 + (part - 16) * size):02x}" for part in most)


def _shades(values: Floats, signed: bool) -> Iterable[Text]:
    """A unit a line, by its size alone."""
    return (Text(shade(unit)) for unit in values.T)


def shade(values: Iterable[float], shades: str = SHADES) -> str:
    """Sizes from 0 to 1 as characters."""
    top = len(shades) - 1
    return "".join(shades[min(top, round(abs(float(value)) * top))] for value in values)


def _bars(values: Iterable[float], most: float) -> str:
    return shade((float(value) / most for value in values), BARS)


def _guesses(expected: Sequence[Expected]) -> str:
    return "  ".join(f"{_quoted(guess.label)} {guess.probability:.0%}" for guess in expected)


def write_lines(picture: Picture, out: TextIO) -> None:
    """A line a step: what was read, its surprise, the gates, some units, and what is expected."""
    activations, gates = picture.activations, picture.gates
    values, _ = picture.rows(PLAIN_UNITS)
    heard, shades = activations.heard, SHADES
    clock = None if heard is None else heard.step_seconds
    try:
        shades.encode(out.encoding or "utf-8")
    except UnicodeEncodeError:
        shades = " .:*#"
    out.write(f"{picture.title()}, shown by their size\n")
    for t, step in enumerate(activations.steps):
        surprise = "" if step.surprise is None else f"{step.surprise:.2f} {activations.unit}"
        means = "".join(f"  {gate.key} {gate.values[t].mean():.2f}" for gate in gates)
        guesses = _guesses(activations.expected_after(t))
        time = "" if clock is None else f"{t * clock:7.2f} s  "
        out.write(
            f"{time}{_quoted(step.label):<9} {surprise:>10}  |{shade(values[t], shades)}|{means}"
            f"{f'  {activations.ahead} {guesses}' if guesses else ''}\n"
        )
        out.flush()


def _quoted(label: str) -> str:
    return f"'{_printable(label)}'"


def _printable(label: str) -> str:
    """Nothing in it can move the cursor or change a color."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in label)
