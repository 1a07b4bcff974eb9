"""The heat map as it stands on a terminal: its size, its numbers, its colors."""

import io
import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from rich.cells import cell_len
from rich.console import Console

from elman.cli.heatmap import FRAMES_PER_SECOND, Picture, frame, play, shade, write_lines
from elman.diagnostics.activations import BY_CHANGE, Activations, Panel, Step
from elman.diagnostics.heard import Heard
from tests.diagnostics.example_activations import HOSTILE, example

ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


def terminal(**options: Any) -> Console:
    given: dict[str, Any] = {
        "file": io.StringIO(),
        "force_terminal": True,
        "color_system": "truecolor",
        "no_color": False,
        "width": 80,
        "height": 24,
        "_environ": {},
    }
    return Console(**given | options)


def picture(given: Activations, panel: int = 0) -> Picture:
    return Picture(given, given.panels[panel], BY_CHANGE)


def lines(given: Activations, t: int, console: Console) -> list[str]:
    return frame(picture(given), t, console).plain.split("\n")


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("steps", [1, 30, 300])
@pytest.mark.parametrize("label", ["a", "word ", "日本", "e\u0301"])
def test_it_fits(width: int, steps: int, label: str) -> None:
    console = terminal(width=width)
    shown = lines(example([label] * steps, units=64), steps - 1, console)
    assert max(map(cell_len, shown)) <= width
    assert len(shown) < console.height
    played = terminal(width=width)
    play(picture(example([label] * steps, units=64)), played, speed=0)
    drawn = re.split(r"[\r\n]|\x1b\[\d*A", played.file.getvalue())  # type: ignore[attr-defined]
    assert max(cell_len(ESCAPE.sub("", line)) for line in drawn) <= width


def test_what_stands_where() -> None:
    shown = lines(example(list("abcdef")), 3, terminal(width=100))
    assert shown[0].startswith("hidden state of layer 0 · 6 units by change · a title")
    assert shown[1].rstrip() == "read     abcd"
    gate = example(list("abcdef")).panels[1].values[3].mean()
    assert shown[-3].endswith(f" {gate:.2f}")
    assert shown[-3].startswith("forget   ")
    assert shown[-2].startswith("bits     ▁")
    assert shown[-2].endswith(" 1.5")
    assert shown[-1] == "next     'e' 50%  'b' 25%"
    assert lines(example(list("abc")), 2, terminal())[-1] == "next     'a' 100%"


def test_a_recording_has_its_loudness_and_what_it_says() -> None:
    frames = np.array([[0], [0], [3.5], [3.5], [7], [7]], np.float32)
    outputs = np.ones((3, 1), np.float32)
    heard = Heard(frames, 2, 0.01, None, outputs, (None,), (), "a")
    given = replace(example(["·", "a", "·"]), heard=heard)
    shown = lines(given, 2, terminal())
    assert shown[1] == "says     ·a·"
    assert shown[2] == "sound    ▁▅█"
    assert len(shown) <= terminal().height
    out = io.StringIO()
    write_lines(picture(given), out)
    assert [line[:13] for line in out.getvalue().splitlines()[1:]] == [
        *("   0.00 s  '·", "   0.02 s  'a", "   0.04 s  '·"),
    ]


def test_columns_are_steps_and_rows_are_units() -> None:
    values = np.array([[1, 0.5, 0, -1]], np.float32).repeat(3, 0) * np.array([[0], [1], [-1]])
    panel = Panel("layer 0", "h", values.astype(np.float32), -1, 1, {BY_CHANGE: np.arange(4)})
    given = Activations("t", [Step("x")] * 3, [panel])
    plain = terminal(no_color=True)
    assert [line[9:] for line in lines(given, 2, plain)[2:6]] == [" ██", " ▒▒", "   ", " ██"]
    colored = frame(picture(given), 2, terminal())
    styles = [str(span.style) for span in colored.spans if "on" in str(span.style)]
    assert styles[:3] == ["#101010 on #101010", "#ff5a3c on #883526", "#5096ff on #305388"]
    assert styles[5] == "#101010 on #ff5a3c"  # the last step of units 2 and 3: -1 times 0 and -1


def test_no_color_and_few_colors_are_shades() -> None:
    for options in ({"no_color": True}, {"color_system": None}, {"color_system": "standard"}):
        console = terminal(**options)
        play(picture(example(list("abc"))), console, speed=0)
        printed = console.file.getvalue()  # type: ignore[attr-defined]
        assert "▀" not in printed
        assert "[38;2" not in printed
    console = terminal()
    play(picture(example(list("abc"))), console, speed=0)
    assert "[38;2;" in console.file.getvalue()  # type: ignore[attr-defined]


def test_no_label_moves_the_cursor() -> None:
    console = terminal()
    hostile = [label for label in HOSTILE if label != "\ud800"]
    play(picture(example(hostile, title=HOSTILE[4])), console, speed=0)
    printed = ESCAPE.sub("", console.file.getvalue())  # type: ignore[attr-defined]
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "\u202e" not in printed
    out = io.StringIO()
    write_lines(picture(example(hostile, title=HOSTILE[4])), out)
    assert not {"\x1b", "\x07", "\u202e"} & set(out.getvalue())


def test_the_time_it_takes(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    slept = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        clock[0] += seconds

    monkeypatch.setattr("time.sleep", sleep)
    play(picture(example(["a"] * 21)), terminal(), speed=10)
    assert sum(slept) == pytest.approx(2.0)
    slept.clear()
    play(picture(example(["a"] * 201)), terminal(), speed=100)
    assert sum(slept) == pytest.approx(2.0, abs=2 / FRAMES_PER_SECOND)
    assert len(slept) <= 2 * FRAMES_PER_SECOND + 1


def test_shades_are_sizes() -> None:
    assert shade([0, 0.25, -0.5, 0.8, -1, 3]) == " ░▒▓██"


def test_lines_where_there_is_no_terminal() -> None:
    out = io.StringIO()
    given = example(list("ab"))
    write_lines(picture(given), out)
    title, first, second = out.getvalue().splitlines()
    assert title.endswith("shown by their size")
    assert first.startswith("'a'" + 19 * " " + "|")
    assert second.startswith("'b'        0.50 bits  |")
    assert f"forget {given.panels[1].values[1].mean():.2f}" in second
    assert second.endswith("next 'a' 100%")
    bare = io.TextIOWrapper(io.BytesIO(), encoding="cp1252")
    write_lines(picture(given), bare)
