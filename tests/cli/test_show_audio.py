"""A recognizer is shown and diagnosed from the command line."""

import json
import math
from pathlib import Path

import pytest
import soundfile

from elman.tasks.runs import Run
from tests import recognizers, sounds, toy_speech
from tests.cli.conftest import Elman
from tests.cli.test_bad_input import refused


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A recognizer after two steps of training."""
    return toy_speech.run(tmp_path_factory.mktemp("speech"), max_steps=2)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    soundfile.write(tmp_path / "said.wav", recognizers.recording(1.0), 8000)
    return tmp_path / "said.wav"


def test_a_line_for_each_step_with_its_time(elman: Elman, run: Run, recording: Path) -> None:
    ended = elman("show", run.path, "--audio", recording)
    assert (ended.code, ended.err) == (0, "")
    title, *lines = ended.out.splitlines()
    assert title.endswith(f"{run.path}, {recording}, shown by their size")
    # A second of sound and 0.1 s of silence make 108 frames.
    assert len(lines) == math.ceil(108 / 3)
    assert lines[0].startswith("   0.00 s  '")
    assert lines[10].startswith("   0.30 s  '")
    assert "answer '" in lines[10]


def test_a_figure_and_a_page(elman: Elman, run: Run, recording: Path) -> None:
    figure, page = (recording.with_suffix(suffix) for suffix in (".png", ".html"))
    flags = ["--plot", figure, "--html", page]
    ended = elman("show", run.path, "--audio", recording, *flags)
    assert ended.code == 0, ended.err
    assert ended.out.startswith(f"{figure}\n{page}: ")
    assert figure.read_bytes()[:4] == b"\x89PNG"
    written = page.read_text("utf-8").partition('type="application/json">')[2]
    held = json.loads(written.partition("</script>")[0])["heard"]
    assert (held["bins"], held["stride"]) == (12, 3)
    assert held["stepSeconds"] == pytest.approx(0.03)
    assert "energies of the mel bins" in page.read_text("utf-8")


def test_without_a_recording_one_of_its_own(elman: Elman, run: Run) -> None:
    ended = elman("show", run.path)
    assert ended.code == 0, ended.err
    assert "first validation row" in ended.out


@pytest.mark.remedy
def test_bad_input(elman: Elman, run: Run, trained: Run, recording: Path) -> None:
    refused(elman("show", run.path, "--text", "two"), 2, "hears recordings; give one with --audio")
    assert elman("show", run.path, "--audio", recording).code == 0
    both = ["--text", "two", "--audio", recording]
    refused(elman("show", run.path, *both), 2, "a network reads, hears or sees; give one of them")
    flags = ["--audio", recording]
    refused(elman("show", trained.path, *flags), 2, "sees no videos; leave --audio")
    plot = ["--plot", recording.with_suffix(".png")]
    refused(elman("show", trained.path, "--text", "a", *plot), 2, "take --html for other networks")
    refused(elman("show", run.path, "--audio", "no.wav"), 2, "no.wav")
    refused(elman("show", run.path, "--plot", "a.gif"), 2, "must end in .png, .svg, .pdf")


def test_a_recognizer_is_diagnosed(elman: Elman, run: Run, tmp_path: Path) -> None:
    ended = elman("diagnose", run.path, "--out", tmp_path / "found")
    assert ended.code == 0, ended.err
    assert "how far the memory reaches" in ended.out
    assert (tmp_path / "found" / "report.html").exists()
    others = toy_speech.write(tmp_path / "others", ["ab cad db ab", "dd ab cad"])
    ended = elman("diagnose", run.path, others, "--out", tmp_path / "other")
    assert ended.code == 0, ended.err
    assert (tmp_path / "other" / "report.html").exists()
    (others / "000.txt").write_text("xyz")
    refused(elman("diagnose", run.path, others), 2, "000.wav")


@pytest.fixture(scope="module")
def listener(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A classifier of sounds after two steps of training."""
    return sounds.run(tmp_path_factory.mktemp("sounds"), bidirectional=False, max_steps=2)


def test_a_classifier_of_sounds(elman: Elman, listener: Run, recording: Path) -> None:
    assert elman("show", listener.path).code == 0
    figure = recording.with_suffix(".svg")
    ended = elman("show", listener.path, "--audio", recording, "--plot", figure)
    assert (ended.code, ended.out, ended.err) == (0, f"{figure}\n", "")
    assert "<!-- high -->" in figure.read_text("utf-8")
    assert elman("show", listener.path, "--audio", recording).out.count("\n") > 10
    ended = elman("diagnose", listener.path, "--out", recording.parent / "found")
    assert ended.code == 0, ended.err


@pytest.mark.remedy
def test_the_wrong_input_of_a_classifier(
    elman: Elman, listener: Run, recording: Path, tmp_path: Path
) -> None:
    flags = ["--text", "high"]
    refused(elman("show", listener.path, *flags), 2, "hears recordings; give one with --audio")
    assert elman("show", listener.path, "--audio", recording).code == 0
    refused(elman("show", listener.path, "--audio", tmp_path / "no.wav"), 2, "no.wav")
