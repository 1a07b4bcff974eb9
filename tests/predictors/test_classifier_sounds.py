"""A classifier of sounds as a value: files, tables and arrays in, labels out; live and offline."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.errors import InputError
from elman.predictors.classifier import ClassifierPredictor
from tests import reviews, sounds
from tests.data.audio import waves
from tests.predictors import contract

CUTS = settings(max_examples=5, deadline=None)


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> ClassifierPredictor:
    """One that reads from the beginning only."""
    run = sounds.run(tmp_path_factory.mktemp("live"), bidirectional=False)
    assert isinstance(run.predictor, ClassifierPredictor)
    return run.predictor


def pcm(samples: np.ndarray) -> bytes:
    return (samples * 32767).astype("<i2").tobytes()


def same(got: list[Any], wanted: list[Any]) -> None:
    assert [row["end"] for row in got] == [row["end"] for row in wanted]
    assert [row["predicted"] for row in got] == [row["predicted"] for row in wanted]
    np.testing.assert_allclose(
        [row["p_high"] for row in got], [row["p_high"] for row in wanted], rtol=0, atol=1e-5
    )


def test_arrays_files_tables_and_folders_are_answered_alike(
    live: ClassifierPredictor, tmp_path: Path
) -> None:
    folder = sounds.folder(tmp_path, 6)
    files = sorted(folder.rglob("*.wav"))
    names = [path.parent.name for path in files]
    answers = live.predict(folder)
    assert [row["path"] for row in answers] == [str(path) for path in files]
    assert [row["predicted"] for row in answers] == names
    table = tmp_path / "all.csv"
    lines = [f"{path.relative_to(tmp_path)},{place}" for place, path in enumerate(files)]
    table.write_text("\n".join(["file,number", *lines]), encoding="utf-8")
    by_table = live.predict(table)
    assert [row["number"] for row in by_table] == [str(n) for n in range(6)]
    (one,) = live.predict(files[0])
    for row in (by_table[0], one):
        assert row["p_high"] == pytest.approx(answers[0]["p_high"], abs=1e-6)
    samples, rate = sounds.sound("high", 0), sounds.RATE
    (row,) = live.predict([(samples, rate)])
    assert row["row"] == 1
    assert row["predicted"] == "high"


def test_another_rate_and_two_channels_are_the_same_sound(
    live: ClassifierPredictor, tmp_path: Path
) -> None:
    samples = waves.tone(0.3, 48_000, 1500.0) + 0.1 * waves.noise(0.3, 48_000)
    stereo = waves.write(tmp_path / "stereo.flac", np.stack([samples, samples], 1), 48_000)
    (row,) = live.predict(stereo)
    assert row["predicted"] == "high"


def test_silence_is_answered_with_a_warning(
    live: ClassifierPredictor, caplog: pytest.LogCaptureFixture
) -> None:
    silence = np.zeros(4000, np.float32)
    rows = live.predict([(silence, sounds.RATE), (sounds.sound("low", 1), sounds.RATE)])
    assert [row["warning"] for row in rows] == ["digital silence", ""]
    assert "1 row: digital silence" in caplog.text


@pytest.mark.fault
def test_what_cannot_be_heard_is_one_line(live: ClassifierPredictor, tmp_path: Path) -> None:
    short = waves.write(tmp_path / "short.wav", waves.tone(0.02, sounds.RATE), sounds.RATE)
    with pytest.raises(
        InputError, match=r"short\.wav: 20 ms of sound, less than a window"
    ) as error:
        live.predict(short)
    assert "\n" not in str(error.value)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(waves.write(tmp_path / "whole.wav").read_bytes()[:200])
    with pytest.raises(InputError, match=r"broken\.wav"):
        live.predict(broken)
    with pytest.raises(InputError, match="no such file"):
        live.predict(tmp_path / "missing.wav")


@pytest.mark.remedy
def test_bad_rows_are_left_out_as_the_message_says(
    live: ClassifierPredictor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = sounds.folder(tmp_path, 4)
    waves.write(folder / "low" / "short.wav", waves.tone(0.02, sounds.RATE), sounds.RATE)
    with pytest.raises(InputError, match="--skip-bad-rows"):
        live.predict(folder)
    assert len(live.predict(folder, skip_bad_rows=True)) == 4
    assert "left out 1 row" in caplog.text


@pytest.mark.parametrize(
    ("options", "message"),
    [({"text": "a"}, "--text: this classifier reads audio"), ({"explain": True}, "--explain: for")],
)
def test_options_of_texts_are_refused(
    live: ClassifierPredictor, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        live.predict(None if "text" in options else [(sounds.sound("low", 1), 8000)], **options)


def test_options_of_audio_are_refused_for_texts(tmp_path: Path) -> None:
    run = reviews.run(tmp_path, max_steps=1, bidirectional=False)
    with pytest.raises(
        InputError, match="--max-seconds: for audio and video, but this classifier reads texts"
    ):
        run.predictor.predict(["a film"], max_seconds=3.0)
    with pytest.raises(
        InputError, match="--every: for audio and video, but this classifier reads texts"
    ):
        run.predictor.session(every=0.5)


@pytest.mark.parametrize("seconds", [0.04, 0.3, 0.61])
def test_the_last_answer_is_that_of_predict(live: ClassifierPredictor, seconds: float) -> None:
    samples = sounds.sound("high", 3, seconds)
    whole = np.frombuffer(pcm(samples), "<i2")
    (wanted,) = live.predict([(whole, sounds.RATE)])
    for chunk in (1, 56, 800, len(samples)):
        if chunk == 1 and seconds > 0.1:
            continue
        parts = [pcm(samples)[at : at + 2 * chunk] for at in range(0, 2 * len(samples), 2 * chunk)]
        *_, last = contract.answers_of(live.session(), parts)
        assert last["predicted"] == wanted["predicted"]
        assert last["p_high"] == pytest.approx(wanted["p_high"], abs=1e-5)
        assert last["end"] <= len(samples) / sounds.RATE


@CUTS
@given(data=st.data(), over=st.sampled_from([None, 0.1]))
def test_any_cut_and_any_stop_is_the_whole(
    live: ClassifierPredictor, data: st.DataObject, over: float | None
) -> None:
    sequence = pcm(sounds.sound("low", 4, 0.4))
    contract.any_cut_and_any_stop_is_the_whole(live, sequence, data, same, every=0.05, over=over)


def test_it_goes_on_in_a_new_process(live: ClassifierPredictor, tmp_path: Path) -> None:
    sequence = pcm(sounds.sound("low", 5, 0.3))
    contract.goes_on_in_a_new_process(live, tmp_path, sequence, 1501, same)


@pytest.mark.parametrize("over", [None, 0.1])
def test_snapshots_with_nan_are_refused(live: ClassifierPredictor, over: float | None) -> None:
    sequence = pcm(sounds.sound("low", 5, 0.3))[:-300]
    contract.snapshots_with_nan_are_refused(live, sequence, rate=4000, over=over)


@CUTS
@given(data=st.data())
def test_damaged_snapshots(live: ClassifierPredictor, data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(live, pcm(sounds.sound("low", 5, 0.3)), data)


def test_it_answers_every_so_often(live: ClassifierPredictor) -> None:
    samples = waves.tone(1.0, sounds.RATE, 300.0)
    # 98 frames of 10 ms, 3 of them a step: 32 steps and a part of one
    assert len(contract.answers_of(live.session(every=0), [samples])) == 33
    ends = [row["end"] for row in contract.answers_of(live.session(every=0.3), [samples])]
    assert ends == [0.315, 0.615, 0.915, 0.995]
    assert {row["begin"] for row in contract.answers_of(live.session(), [samples])} == {0.0}


def test_over_a_while_it_forgets(live: ClassifierPredictor) -> None:
    samples = np.concatenate([sounds.sound("low", 8, 1.5), sounds.sound("high", 9, 1.5)])
    rows = contract.answers_of(live.session(over=0.6), [samples])
    assert [rows[5]["predicted"], rows[-1]["predicted"]] == ["low", "high"]
    for row in rows:
        assert row["end"] - row["begin"] <= 0.6 + 0.016
        assert row["begin"] == 0 or row["end"] - row["begin"] >= 0.3
    row = rows[-1]
    # It is the answer to these steps alone, from the sample at which they begin.
    (alone,) = live.predict([(samples[round(row["begin"] * sounds.RATE) :], sounds.RATE)])
    assert row["p_high"] == pytest.approx(alone["p_high"], abs=1e-5)


def test_memory_is_constant(live: ClassifierPredictor) -> None:
    session = live.session(over=0.5)
    sizes = []
    for _ in range(40):
        session.push(waves.tone(0.25, sounds.RATE, 300.0))
        sizes.append(len(session.state.to_bytes()))
    assert max(sizes[5:]) - min(sizes[5:]) < 4 * 400 + 4 * 30 + 100


@pytest.mark.fault
def test_a_cut_wav_says_what_came_before(live: ClassifierPredictor, tmp_path: Path) -> None:
    path = waves.write(tmp_path / "a.wav", waves.tone(0.3, sounds.RATE), sounds.RATE)
    session = live.session()
    session.push(path.read_bytes()[:-400])
    with pytest.raises(InputError, match="cut off") as error:
        session.flush()
    assert error.value.answers
    again = contract.answers_of(session, [path.read_bytes()])
    same(again, contract.answers_of(live.session(), [path.read_bytes()]))


def test_two_directions_cannot_stream(tmp_path: Path) -> None:
    run = sounds.run(tmp_path, max_steps=1)
    with pytest.raises(InputError, match="--no-bidirectional"):
        run.predictor.session()


def test_saved_and_loaded_it_answers_the_same(live: ClassifierPredictor, tmp_path: Path) -> None:
    contract.saved_and_loaded_is_the_same(live, tmp_path, pcm(sounds.sound("low", 6)), same)
    loaded = elman.load(tmp_path / "saved")
    given_, wanted = [(sounds.sound("high", 7), sounds.RATE)], "high"
    assert loaded.predict(given_)[0]["predicted"] == wanted
