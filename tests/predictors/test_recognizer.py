"""Tests of a recognizer as a value: what it says of files and arrays, with times of words."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from elman.data.audio.transcripts import Spelling
from elman.data.given import Texts
from elman.data.units.bpe import BPETokenizer
from elman.data.units.char import CharTokenizer
from elman.decoding.ctc import GreedySearch, Hypothesis
from elman.errors import InputError
from elman.models.cells import CellOptions
from elman.predictors import recognizer_outputs
from elman.predictors.front_end import FrontEnd
from elman.predictors.predictor import load
from elman.predictors.recognizer import Architecture, RecognizerPredictor
from elman.predictors.spoken_words import text_of, words_of
from tests import recognizers, toy_speech


def samples_of(seconds: float, seed: int = 0) -> np.ndarray:
    return recognizers.recording(seconds, seed)


def write(path: Path, seconds: float, seed: int = 0) -> Path:
    toy_speech.write_wave(path, (32768 * samples_of(seconds, seed)).astype(np.int16))
    return path


def test_files_and_arrays_are_heard_alike(tmp_path: Path) -> None:
    recognizer = recognizers.recognizer()
    path = write(tmp_path / "one.wav", 3)
    (of_file,) = recognizer.predict(path)
    (of_array,) = recognizer.predict([(samples_of(3), recognizers.RATE)])
    assert of_file.text
    assert of_file.path == str(path)
    assert of_array.path == "inputs:1"
    assert replace(of_file, path="") == replace(of_array, path="")


def test_an_answer_names_its_recording(tmp_path: Path) -> None:
    recognizer = recognizers.recognizer()
    path = write(tmp_path / "one.wav", 2)
    (tmp_path / "rows.csv").write_text("audio,start,end\none.wav,,\none.wav,0.5,1.5\n")
    whole, part = recognizer.predict(tmp_path / "rows.csv")
    assert (whole.path, part.path) == (str(path), f"{tmp_path / 'rows.csv'}:3")
    (listed,) = recognizer.predict(Texts([str(path)], where="standard input"))
    assert listed.path == str(path)


def test_a_recording_alone_is_what_it_is_among_others(tmp_path: Path) -> None:
    recognizer = recognizers.recognizer()
    for seed in range(5):
        write(tmp_path / f"{seed}.wav", 0.5 + seed, seed)
    together = recognizer.predict(tmp_path)
    assert [Path(row.path).name for row in together] == [f"{seed}.wav" for seed in range(5)]
    for row in together:
        (alone,) = recognizer.predict(Path(row.path))
        assert alone.text == row.text
        assert alone.words == row.words


def test_words_have_the_times_of_their_tokens() -> None:
    tokenizer = CharTokenizer("abc ")
    ids = tokenizer.encode("ab  c").tolist()
    found = Hypothesis(
        tuple(ids), (2, 5, 7, 9, 11), (3, 7, 8, 10, 14), 0.0, 0.0, (0.9, 0.8, 0.1, 0.2, 0.7)
    )
    assert text_of(tokenizer, ids) == "ab c"
    first, second = words_of(tokenizer, found, 0.03)
    assert (first.text, first.begin, first.end, first.confidence) == ("ab", 0.06, 0.21, 0.8)
    assert (second.text, second.begin, second.end, second.confidence) == ("c", 0.33, 0.42, 0.7)
    assert words_of(tokenizer, GreedySearch().best(GreedySearch().start()), 0.03) == ()


def test_words_of_byte_pieces_begin_where_a_space_does() -> None:
    tokenizer = BPETokenizer.train(["caf\u00e9 caf\u00e9 noir\n"] * 9, 280)
    ids = tokenizer.encode("caf\u00e9 noir").tolist()
    steps = tuple(range(len(ids)))
    found = Hypothesis(tuple(ids), steps, tuple(s + 1 for s in steps), 0, 0, (1.0,) * len(ids))
    words = words_of(tokenizer, found, 1.0)
    assert [word.text for word in words] == ["caf\u00e9", "noir"]
    assert words[0].begin == 0
    assert words[1].end == len(ids)
    half = tokenizer.encode("é").tolist()
    assert text_of(tokenizer, half) == "é"
    (broken,) = [place for place in range(256) if tokenizer.spell(place, 0) == b"\xc3"][:1]
    assert text_of(tokenizer, [broken]) == ""


def test_long_recordings_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    recognizer = recognizers.recognizer()
    frames = recognizer.front_end.frames(samples_of(5))
    (whole,) = recognizer.log_probs([frames])
    monkeypatch.setattr(recognizer_outputs, "FRAMES_AT_ONCE", 77)
    (parts,) = recognizer.log_probs([frames])
    torch.testing.assert_close(parts, whole)


def test_rows_come_in_order_whatever_their_lengths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recognizer_outputs, "FRAMES_AT_ONCE", 300)
    monkeypatch.setattr(recognizer_outputs, "_ROWS_AT_ONCE", 4)
    recognizer = recognizers.recognizer(bidirectional=True)
    rows = [recognizer.front_end.frames(samples_of(1 + n % 3, n)) for n in range(10)]
    for row, found in zip(rows, recognizer.log_probs(rows), strict=True):
        (alone,) = recognizer.log_probs([row])
        torch.testing.assert_close(found, alone)


def test_clipped_recordings_are_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "loud.wav"
    toy_speech.write_wave(path, (32767 * np.sign(samples_of(3))).astype(np.int16))
    recognizers.recognizer().predict(path)
    assert f"1 recording is clipped, the first at {path}" in caplog.text


def test_the_best_texts_and_hot_words(tmp_path: Path) -> None:
    recognizer = recognizers.recognizer()
    path = write(tmp_path / "one.wav", 3)
    (row,) = recognizer.predict(path, n_best=3)
    assert len(row.n_best) == 3
    assert all(each.score == round(each.score, 4) for each in row.n_best)
    assert row.n_best[0].text == row.text
    assert row.n_best[0].score >= row.n_best[1].score >= row.n_best[2].score
    (plain,) = recognizer.predict(path, beam=8)
    assert list(vars(plain)) == ["path", "text", "confidence", "words"]
    (hot,) = recognizer.predict(path, beam=8, hot_words="hhgg", hot_boost=200)
    assert "hhgg" in hot.text
    assert "hhgg" not in plain.text


def test_it_is_saved_and_loaded(tmp_path: Path) -> None:
    recognizer = recognizers.recognizer()
    recognizer.save(tmp_path / "kept")
    again = load(tmp_path / "kept")
    assert isinstance(again, RecognizerPredictor)
    assert again.fingerprint == recognizer.fingerprint
    path = write(tmp_path / "one.wav", 2)
    assert list(again.predict(path)) == list(recognizer.predict(path))


def test_what_cannot_be_heard_is_named_or_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recognizer = recognizers.recognizer()
    write(tmp_path / "a.wav", 1)
    (tmp_path / "b.wav").write_bytes(b"RIFF")
    with pytest.raises(InputError, match=r"b\.wav"):
        recognizer.predict(tmp_path)
    with caplog.at_level(logging.WARNING, "elman"):
        (row,) = recognizer.predict(tmp_path, skip_bad_rows=True)
    assert Path(row.path).name == "a.wav"
    assert "left out 1 row" in caplog.text


def test_silence_says_nothing_and_is_a_row() -> None:
    recognizer = recognizers.recognizer()
    with torch.no_grad():
        recognizer.model.readout.bias[-1] += 100
    (row,) = recognizer.predict([(np.zeros(8000, np.float32), 8000)])
    assert (row.text, row.confidence, row.words) == ("", 0.0, ())


def test_features_are_not_audio(tmp_path: Path) -> None:
    recognizer = recognizers.recognizer()
    np.save(tmp_path / "x.npy", np.zeros((30, 8), np.float32))
    with pytest.raises(InputError, match="features, but this recognizer reads audio"):
        recognizer.predict(tmp_path / "x.npy")
    front = FrontEnd(None, recognizer.front_end.scale)
    of_features = RecognizerPredictor(
        recognizer.model,
        recognizer.tokenizer,
        front,
        recognizer.architecture,
        recognizer.spelling,
    )
    assert len(of_features.predict(tmp_path / "x.npy")) == 1
    np.save(tmp_path / "y.npy", np.zeros((30, 9), np.float32))
    with pytest.raises(InputError, match="9 channels, expected 8"):
        of_features.predict(tmp_path / "y.npy")
    with pytest.raises(InputError, match="audio, but this recognizer reads features"):
        of_features.predict([(samples_of(1), 8000)])


def test_nothing_is_an_error() -> None:
    with pytest.raises(InputError, match="nothing to recognize; give recordings"):
        recognizers.recognizer().predict()


def test_parts_that_do_not_belong_together() -> None:
    one = recognizers.recognizer()
    with pytest.raises(InputError, match="they do not belong together"):
        RecognizerPredictor(
            one.model, CharTokenizer("ab"), one.front_end, one.architecture, Spelling()
        )
    huge = Architecture("lstm", CellOptions(), 5000, 1, "stack", 4, 1, False)
    with pytest.raises(InputError, match="windows of 5000 frames, at most 4096"):
        huge.make(8, 3)


def test_silent_and_clipped_recordings_are_told(caplog: pytest.LogCaptureFixture) -> None:
    full = np.sign(recognizers.recording(0.5)).astype(np.float32)
    rate = recognizers.RATE
    heard = [(recognizers.recording(0.5), rate), (np.zeros(4000, np.float32), rate), (full, rate)]
    assert len(recognizers.recognizer().predict(heard)) == 3
    clipped, silent = (record.getMessage() for record in caplog.records)
    assert clipped == "1 recording is clipped, the first at inputs:3; record with less gain"
    assert silent == "1 recording is digital silence, such as inputs:2; check the recording"
