import sys
from pathlib import Path

import pytest

from elman.studies import demo as parts
from elman.tasks import runs
from tests import tiny
from tests.cli.conftest import Elman


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo on a small text, with a small network."""
    settings = parts.settings

    def smaller(steps: int, threads: int) -> dict[str, object]:
        return settings(steps, threads) | {"hidden_size": 16, "batch_size": 4, "truncation": 16}

    monkeypatch.setattr(parts, "reference_text", tiny.text)
    monkeypatch.setattr(parts, "settings", smaller)
    monkeypatch.setattr(parts, "CALIBRATION_SECONDS", 0.05)
    monkeypatch.chdir(tmp_path)


def test_from_nothing_to_a_written_paragraph(
    elman: Elman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parts, "FEWEST_STEPS", 30)
    monkeypatch.setenv("ELMAN_DEMO_MINUTES", "1e-6")
    ended = elman("demo")
    assert ended.code == 0, ended.err
    for told in (
        *("calibrated: ", "so 30 steps", "unigram", "5-gram, Kneser-Ney", "LSTM"),
        *("elman generate runs/demo", "elman train language-model FILE.txt"),
    ):
        assert told in ended.out
    run = runs.Run(tmp_path / "runs" / "demo")
    assert run.task.config.max_steps == 30
    written = ended.out.split("\n\n")[2]
    assert len(written) > 300
    assert written.startswith("\ufffdhe ")  # no capitals in the small text


def test_where_and_how_long_can_be_said(elman: Elman, tmp_path: Path) -> None:
    ended = elman("demo", "--minutes", "1e-6", "--out", tmp_path / "mine")
    assert ended.code == 0, ended.err
    assert (tmp_path / "mine" / "predictor" / "model.safetensors").exists()
    assert elman("demo", "--minutes", "0").code == 2
    again = elman("demo", "--minutes", "1e-6", "--out", tmp_path / "mine")
    assert again.code == 2
    assert "holds a run already" in again.err


def test_on_a_terminal_its_memory_is_shown(elman: Elman, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "what it remembers as it reads" not in elman("demo", "--minutes", "1e-6").out
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    ended = elman("demo", "--minutes", "1e-6")
    assert ended.code == 0, ended.err
    memory = ended.out.partition("what it remembers as it reads:")[2]
    assert "hidden state of layer 0" in memory
    assert "elman show runs/demo-2 --text" in memory
