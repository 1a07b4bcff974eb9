"""The figure of what a network hears has each of its parts."""

from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from elman.diagnostics.activations import Activations, Panel
from elman.diagnostics.heard import Heard, Said
from elman.errors import InputError
from elman.plots.hearing import draw_hearing

FRAMES = np.random.default_rng(0).uniform(0, 15, (60, 12)).astype(np.float32)
HERTZ = np.geomspace(60, 3800, 12).astype(np.float32)


def speech(frames: np.ndarray = FRAMES, said: tuple[Said, ...] = ()) -> Heard:
    steps = -(-len(frames) // 3)
    outputs = np.full((steps, 3), 0.01, np.float32)
    outputs[:, 2] = 0.98
    for piece in said:
        outputs[piece.step] = (0.9, 0.05, 0.05) if piece.text == "a" else (0.05, 0.9, 0.05)
    text = "".join(piece.text for piece in said)
    return Heard(frames, 3, 0.01, HERTZ, outputs, ("a", " ", None), said, text)


def drawn(folder: Path, heard: Heard, name: str = "figure.svg") -> str:
    steps = -(-len(heard.frames) // heard.stride)
    values = np.random.default_rng(0).uniform(-1, 1, (steps, 5)).astype(np.float32)
    panel = Panel("layer 1", "h", values, -1.0, 1.0)
    draw_hearing(
        folder / name, Activations("run, a.wav", [], [panel], heard=heard), panel, "change"
    )
    if not name.endswith(".svg"):
        return ""
    written = (folder / name).read_text("utf-8")
    ET.fromstring(written)
    return written


def texts(written: str) -> list[str]:
    """What is written in a figure; matplotlib says it in comments beside the outlines."""
    return [
        line.split("<!-- ")[1].split(" -->")[0] for line in written.splitlines() if "<!-- " in line
    ]


def test_sound_states_outputs_and_text(tmp_path: Path) -> None:
    shown = texts(drawn(tmp_path, speech(said=(Said(2, "a"), Said(3, " "), Said(15, "a")))))
    assert "run, a.wav: “a a”" in shown
    for title in ("log-mel energies", "hidden state of layer 1, units by change", "outputs"):
        assert title in shown
    assert "text as it comes out" in shown
    assert shown.count("a") == 4  # at its two peaks, and twice below
    assert shown.count("␣") == 2
    assert "seconds" in shown
    assert {"250", "500", "1,000", "2,000"} <= set(shown)


def test_nothing_said(tmp_path: Path) -> None:
    shown = texts(drawn(tmp_path, speech()))
    assert "run, a.wav: nothing" in shown
    assert "text as it comes out" not in shown


def test_labels_have_a_legend(tmp_path: Path) -> None:
    outputs = np.linspace(0, 1, 60).astype(np.float32)[:, None] * np.array([[0.7, 0.29, 0.01]])
    heard = Heard(FRAMES, 1, 0.01, HERTZ, outputs, ("dog", "bell", "rain"), (), "dog")
    shown = texts(drawn(tmp_path, heard))
    assert "dog" in shown
    assert "bell" in shown
    assert "rain" not in shown  # never probable
    only = Heard(FRAMES, 1, 0.01, HERTZ, outputs[-1:], ("dog", "bell", "rain"), (), "dog")
    assert "outputs, known at the end" in texts(drawn(tmp_path, only))


def test_features_are_counted_in_frames(tmp_path: Path) -> None:
    heard = Heard(FRAMES, 3, None, None, np.ones((20, 1), np.float32), (None,), (), "")
    shown = texts(drawn(tmp_path, heard))
    assert "frames" in shown
    assert "features" in shown
    assert "Hz" not in shown


@pytest.mark.parametrize("frames", [1, 2, 40])
def test_short_and_silent_recordings(tmp_path: Path, frames: int) -> None:
    drawn(tmp_path, speech(np.zeros((frames, 12), np.float32)), "figure.png")
    assert (tmp_path / "figure.png").stat().st_size > 1000


def test_levels_are_of_each_step() -> None:
    frames = np.array([[0], [2], [4], [6], [20]], np.float32)
    heard = Heard(frames, 2, 0.01, None, np.ones((3, 1)), ("a",), (), "a")
    np.testing.assert_allclose(heard.levels, [0, 4 / 19, 1], atol=1e-6)
    still = Heard(np.ones((4, 2), np.float32), 2, 0.01, None, np.ones((2, 1)), ("a",), (), "a")
    np.testing.assert_array_equal(still.levels, [0, 0])


def test_a_figure_of_no_known_kind(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must end in"):
        drawn(tmp_path, speech(), "figure.jpg")
