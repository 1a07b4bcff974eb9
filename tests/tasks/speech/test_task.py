"""Tests of the task `speech`: what is prepared, trained, resumed, and left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.cli.main import main
from elman.data.audio.filter_bank import FilterBank
from elman.data.given import Files
from elman.errors import InputError
from elman.predictors.front_end import raw_frames
from elman.predictors.recognizer import RecognizerPredictor
from elman.settings import configure
from elman.tasks.runs import Run, begin, fit, resume
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.speech.data import SpeechData
from elman.tasks.speech.objective import error_rates
from elman.tasks.verify import verify
from elman.tensors import load_tree
from tests import toy_speech

SHORT: dict[str, Any] = {"max_steps": 6, "eval_every": 3, "checkpoint_every": 3, "hidden_size": 6}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that tests read and never write to."""
    return toy_speech.run(tmp_path_factory.mktemp("speech"))


def recognizer_of(run: Run) -> RecognizerPredictor:
    assert isinstance(run.predictor, RecognizerPredictor)
    return run.predictor


def data_of(run: Run) -> SpeechData:
    assert isinstance(run.task.data, SpeechData)
    return run.task.data


def begun(folder: Path, said: list[str], **settings: Any) -> Run:
    config = configure(SpeechConfig, {**toy_speech.SMALL, **SHORT, **settings})
    given = toy_speech.given(toy_speech.write(folder / "audio", said))
    return begin("speech", given, folder / "run", config)


def test_it_learns_to_read_tones(trained: Run) -> None:
    scores = {(s.split, s.metric): s.value for s in trained.evaluate()}
    assert scores["valid", "character error rate"] < 10
    assert scores["test", "character error rate"] < 10
    assert set(trained.history[-1]) >= {"validation_cer", "validation_wer", "validation_nats"}


def test_it_is_verified(trained: Run) -> None:
    trained.evaluate()
    found = verify(trained.path)
    assert found.passed
    assert {each.name for each in found.comparisons} >= {
        "validation cer",
        "test word error rate",
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"speeds": (0.9, 1.1), "time_masks": 1, "frequency_masks": 1, "dropout": 0.3},
        {"noise": 0.5, "speeds": (0.9, 1.0), "bidirectional": True, "cell": "gru"},
    ],
)
def test_a_resumed_run_has_the_bits_of_one_never_stopped(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    settings = {**SHORT, **settings}
    whole = toy_speech.run(tmp_path, 24, "whole", **settings)
    cut = toy_speech.run(tmp_path, 24, "cut", **settings)
    cut.directory.all_checkpoints()[-1].unlink()  # as if killed before it was written
    torch.rand(3)
    again = resume(cut.path)
    assert json.dumps(again.history[-1]["loss"]) == json.dumps(whole.history[-1]["loss"])
    last = (run.directory.all_checkpoints()[-1] for run in (whole, again))
    one, other = (load_tree(path) for path in last)
    assert same(one["model"], other["model"])


def same(one: Any, other: Any) -> bool:
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_frames_of_each_speed_are_kept_or_else_samples(tmp_path: Path) -> None:
    said = toy_speech.texts(12)
    frames = begun(tmp_path / "frames", said, speeds=(0.9, 1.1))
    rows = data_of(frames).splits["train"]
    assert set(rows.signals) == {0.9, 1.0, 1.1}
    ratio = rows.signals[0.9].lengths / rows.signals[1.1].lengths
    assert ratio == pytest.approx(1.1 / 0.9, abs=0.06)
    samples = begun(tmp_path / "samples", said, speeds=(0.9, 1.1), keep="samples")
    kept = data_of(samples).splits["train"]
    assert kept.has_samples
    assert set(kept.signals) == {1.0}
    for speed in (0.9, 1.0, 1.1):
        one = data_of(frames).frames(rows.row(2, speed))
        other = data_of(samples).frames(kept.row(2, speed))
        np.testing.assert_allclose(one, other, atol=0.05)
    np.testing.assert_array_equal(
        data_of(frames).frames(rows.row(2)), data_of(samples).frames(kept.row(2))
    )


def test_a_speed_of_many_digits_is_kept_and_drawn(tmp_path: Path) -> None:
    speeds = (1.1111111, 1.1111112)
    run = begun(tmp_path, toy_speech.texts(12), speeds=speeds, sort_first_epoch=True)
    assert set(data_of(run).splits["train"].signals) == {1.0, *speeds}
    assert next(run.task.source()).batch_size == 8


def test_frames_are_scaled_by_those_of_training_without_the_silence_after_them(
    tmp_path: Path,
) -> None:
    run = begun(tmp_path, toy_speech.texts(12))
    data = data_of(run)
    rows, bank = data.splits["train"], data.front_end.bank
    assert bank is not None
    tail = round(0.1 * bank.rate) // bank.shift
    heard = [rows.row(row)[:-tail] for row in range(len(rows))]
    flat = np.concatenate(heard)
    assert data.front_end.scale.mean == pytest.approx(flat.mean(0), abs=0.05)
    assert data.front_end.scale.deviation == pytest.approx(flat.std(0), rel=0.02)


def test_the_rate_is_that_of_the_recordings_up_to_16_kilohertz(tmp_path: Path) -> None:
    run = begun(tmp_path, toy_speech.texts(12))
    assert data_of(run).front_end.bank == FilterBank(rate=8000, bins=12)
    other = begun(tmp_path / "other", toy_speech.texts(12), rate=6000)
    bank = data_of(other).front_end.bank
    assert bank is not None
    assert bank.rate == 6000


def test_rows_without_room_for_their_text_are_named_and_counted(tmp_path: Path) -> None:
    folder = toy_speech.write(tmp_path / "audio", toy_speech.texts(20))
    (folder / "007.txt").write_text("ab" * 300)
    (folder / "011.txt").write_text("d" * 300)
    config = configure(SpeechConfig, {**toy_speech.SMALL, **SHORT, "valid_fraction": 0.05})
    run = begin("speech", toy_speech.given(folder), tmp_path / "run", config)
    (line,) = (line for line in run.task.describe() if "left out" in line)
    assert line.startswith("train: 2 rows have more text than network steps and are left out")
    assert "--stride" in line
    assert "007" in line
    assert "needs 599 steps" in line


@pytest.mark.remedy
def test_where_no_row_has_room_a_smaller_stride_helps(tmp_path: Path) -> None:
    said = ["abcd" * 9] * 12
    with pytest.raises(InputError, match=r"train: no row can be used.*a smaller --stride"):
        begun(tmp_path, said, window=40, stride=40)
    begun(tmp_path / "again", said, stride=2)


def test_transcripts_are_spelled_as_asked(tmp_path: Path) -> None:
    folder = toy_speech.write(tmp_path / "audio", toy_speech.texts(20))
    for path in folder.glob("*.txt"):
        path.write_text(path.read_text().title() + "!")
    config = configure(SpeechConfig, {**toy_speech.SMALL, **SHORT})
    plain = begin("speech", toy_speech.given(folder), tmp_path / "plain", config)
    assert any("--lower" in line for line in plain.task.describe())
    assert "!" in data_of(plain).texts["valid"][0]
    config = configure(
        SpeechConfig, {**toy_speech.SMALL, **SHORT, "lower": True, "punctuation": False}
    )
    lower = begin("speech", toy_speech.given(folder), tmp_path / "lower", config)
    assert set("".join(data_of(lower).texts["valid"])) <= set("abcd ")
    assert recognizer_of(lower).spelling.lower


def test_the_command_trains_and_the_run_recognizes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = toy_speech.write(tmp_path / "audio", toy_speech.texts(20))
    out = tmp_path / "run"
    flags = ["--bins", "12", "--hidden-size", "8", "--num-layers", "1", "--batch-size", "8"]
    flags += ["--max-steps", "2", "--speeds", "0.9,1", "--lower", "--no-bidirectional"]
    assert main(["train", "speech", str(folder), "--out", str(out), *flags]) == 0
    printed = capsys.readouterr().out
    assert "16 utterances" in printed
    assert "12 mel bins at 8,000 Hz" in printed
    assert f"elman predict {out} AUDIO" in printed
    assert main(["predict", str(out), str(folder / "000.wav"), "--format", "json"]) == 0
    assert json.loads(capsys.readouterr().out)["path"].endswith("000.wav")
    assert main(["evaluate", str(out)]) == 0
    assert "word error rate" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("flags", "complaint"),
    [
        (["--stride", "5", "--window", "4"], "--window at least as large"),
        (["--speeds", "0.1"], "--speeds 0.1: expected factors from 0.5 to 2"),
        (["--snr", "30,5"], "--snr 30,5: expected the lowest and the highest"),
        (["--noise", "0.5", "--keep", "frames"], "--keep frames with --noise"),
    ],
)
def test_settings_that_do_not_go_together(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flags: list[str], complaint: str
) -> None:
    command = ["train", "speech", str(tmp_path), "--out", str(tmp_path / "run"), *flags]
    assert main(command) == 2
    assert complaint in capsys.readouterr().err


def test_frames_are_what_the_bank_gives(tmp_path: Path) -> None:
    run = begun(tmp_path, ["ab"] * 12)
    data = data_of(run)
    bank = data.front_end.bank
    assert bank is not None
    rows = data.splits["test"]
    draw = np.random.default_rng(0)
    samples = [toy_speech.spoken("ab", draw).astype(np.float32) / 32768 for _ in range(12)]
    frames = [raw_frames(bank, each, 0.1) for each in samples]
    assert any(np.array_equal(rows.row(0), each) for each in frames)


def test_other_data_are_evaluated_as_they_are_spelled_in_training(
    trained: Run, tmp_path: Path
) -> None:
    said = toy_speech.texts(12, seed=5)
    folder = toy_speech.write(tmp_path / "more", said, seed=5)
    report = trained.report(folder)
    scores = {(s.split, s.metric): s.value for s in report.scores}
    heard = [row.text for row in trained.predictor.predict(folder)]
    assert scores["more", "character error rate"] == pytest.approx(
        100 * error_rates(said, heard)[0]
    )
    for path in folder.glob("*.txt"):
        path.write_text(path.read_text().upper())
    verdict = "\n".join(trained.report(folder).verdict)
    assert "the texts are not in the case that the recognizer writes" in verdict


def test_a_recognizer_that_says_nothing_is_told_so(tmp_path: Path) -> None:
    run = toy_speech.run(tmp_path, 20, **SHORT | {"max_steps": 1, "learning_rate": 1e-6})
    recognizer = recognizer_of(run)
    with torch.no_grad():
        recognizer.model.readout.bias[-1] += 100
    (line, *_) = run.report().verdict
    assert "nothing is heard in any utterance: every step says the blank" in line


def test_features_computed_elsewhere_are_learned_from(tmp_path: Path) -> None:
    draw = np.random.default_rng(0)
    said = ["ab" if number % 2 else "ba" for number in range(20)]
    arrays = [draw.standard_normal((30, 5)).astype(np.float32) for _ in said]
    rows = [{"audio": f"{number}.npy", "text": text} for number, text in enumerate(said)]
    for number, array in enumerate(arrays):
        np.save(tmp_path / f"{number}.npy", array)
    lines = "".join(json.dumps(row) + "\n" for row in rows)
    (tmp_path / "rows.jsonl").write_text(lines)
    settings = {**toy_speech.SMALL, **SHORT, "bins": 40, "tail": 0.2}
    for name, value in (("speeds", (0.9, 1.0)), ("snr", (0.0, 5.0)), ("rate", 8000)):
        config = configure(SpeechConfig, {**settings, name: value})
        said = rf"--{name}: for audio, but .*rows\.jsonl:1 is features computed elsewhere; leave it"
        with pytest.raises(InputError, match=said):
            begin("speech", Files((tmp_path / "rows.jsonl",)), tmp_path / "refused", config)
    config = configure(SpeechConfig, settings)
    run = fit(begin("speech", Files((tmp_path / "rows.jsonl",)), tmp_path / "run", config))[0]
    assert data_of(run).front_end.bank is None
    assert data_of(run).front_end.bins == 5
    (answer,) = run.predictor.predict(tmp_path / "3.npy")
    assert answer.path.endswith("3.npy")


@pytest.mark.remedy
def test_letters_that_no_training_transcript_has_are_named(
    trained: Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    parts = [
        toy_speech.write(tmp_path / name, toy_speech.texts(count, seed=count))
        for name, count in (("train", 12), ("valid", 6))
    ]
    (parts[1] / "004.txt").write_text("caf\u00e9")
    command = ["train", "speech", *map(str, parts), "--out", str(tmp_path / "run")]
    command += ["--max-steps", "1", "--hidden-size", "4", "--num-layers", "1"]
    assert main(command) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "004.txt" in line or "004.wav" in line
    assert "\u00e9" in line
    assert "is in no transcript of training" in line
    assert "--skip-bad-rows" in line
    assert main([*command, "--skip-bad-rows"]) == 0
    assert "left out 1 more row" in capsys.readouterr().out
    with pytest.raises(InputError, match=r"004.*in no transcript of training.*--skip-bad-rows"):
        trained.report(parts[1])
    report = trained.report(parts[1], skip_bad_rows=True)
    assert any("left out 1 row" in line for line in report.verdict)
