"""`elman diagnose`: a summary on the terminal, a report in a folder, one line for a mistake."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from elman.cli.main import main
from tests import tiny


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny.run(tmp_path_factory.mktemp("diagnosed"), max_steps=3).path


def test_it_says_what_is_wrong_with_a_run(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["diagnose", str(run), "--max-lag", "24", "--needs", "20"]) == 0
    said = capsys.readouterr().out
    assert "vanishing" in said
    assert "→" in said
    assert "characters" in said
    assert "\x1b[" not in said  # no terminal, no color
    folder = run / "diagnosis"
    tree = json.loads((folder / "diagnosis.json").read_text(encoding="utf-8"))
    assert (tree["needs"], tree["truncation"], tree["max_lag"]) == (20, 16, 24)
    assert (folder / "report.html").exists()
    assert (folder / "gradient.png").exists()


def test_another_text_and_another_folder(run: Path, tmp_path: Path) -> None:
    text = tmp_path / "other.txt"
    text.write_text("the dog sat on a red hill\n" * 40, encoding="utf-8")
    out = tmp_path / "report"
    assert main(["diagnose", str(run), str(text), "--out", str(out), "--max-lag", "30"]) == 0
    assert json.loads((out / "diagnosis.json").read_text(encoding="utf-8"))["max_lag"] == 30


def test_no_color_is_honored(
    run: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    main(["diagnose", str(run), "--max-lag", "20"])
    assert "\x1b[" in capsys.readouterr().out
    monkeypatch.setenv("NO_COLOR", "1")
    main(["diagnose", str(run), "--max-lag", "20"])
    assert "\x1b[3" not in capsys.readouterr().out  # bold may stay


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--max-lag", "100000"], "too short for a lag of 100000"),
        (["--max-lag", "0"], '"0" for --max-lag. Must be >= 1'),
        (["--needs", "0"], '"0" for --needs. Must be >= 1'),
        (["no-such-file.txt"], "no-such-file.txt: cannot be read"),
    ],
)
def test_bad_input_is_one_line(
    run: Path, arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["diagnose", str(run), *arguments]) == 2
    err = capsys.readouterr().err
    assert complaint in err
    assert len(err.strip().splitlines()) == 1


def test_a_text_shorter_than_the_lags(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    short = tmp_path / "short.txt"
    short.write_text("the cat", encoding="utf-8")
    assert main(["diagnose", str(run), str(short)]) == 2
    assert "too short" in capsys.readouterr().err


def test_weights_that_are_no_numbers(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from elman.tensors import save_model

    spoiled = tiny.run(tmp_path, max_steps=1)
    with torch.no_grad():
        next(spoiled.predictor.network.parameters()).fill_(torch.nan)
    save_model(spoiled.directory.model_path, spoiled.predictor.network)
    assert main(["diagnose", str(spoiled.path), "--max-lag", "20"]) == 2
    assert "holds NaN or infinity" in capsys.readouterr().err
