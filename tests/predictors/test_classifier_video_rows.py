"""Clips as files, folders, and long ones: labels, segments, the strip, the states."""

from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.labeled.encoded import Encoded
from elman.diagnostics.diagnosis import diagnose_input
from elman.diagnostics.diagnosis_input import Lags
from elman.errors import InputError
from elman.predictors.classifier import ClassifierPredictor
from elman.tasks.classify.classifier_task import classifier_diagnosis_input
from elman.tasks.classify.config import ClassifyConfig
from tests import videos
from tests.predictors import contract


@pytest.fixture(scope="module")
def watcher() -> ClassifierPredictor:
    return videos.predictor()


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    frames = np.concatenate([videos.clip(50, seed) for seed in range(3)])
    return videos.write(tmp_path_factory.mktemp("long") / "long.avi", frames)


def test_a_file_and_a_folder_are_answered_alike(
    watcher: ClassifierPredictor, tmp_path: Path
) -> None:
    paths = [
        videos.write(tmp_path / f"{seed}.avi", videos.clip(10 + 5 * seed, seed))
        for seed in range(3)
    ]
    together = watcher.predict(tmp_path)
    assert [row["path"] for row in together] == [str(path) for path in paths]
    for path, row in zip(paths, together, strict=True):
        (alone,) = watcher.predict(path)
        assert alone["probability"] == pytest.approx(row["probability"], abs=1e-5)
        assert row["warning"] == ""


@pytest.mark.parametrize("bidirectional", [True, False])
def test_the_running_answer_ends_as_the_row_says(
    long: Path, tmp_path: Path, *, bidirectional: bool
) -> None:
    predictor = videos.predictor(bidirectional=bidirectional)
    (row,) = predictor.predict(long, plot=tmp_path / "strip.png")
    assert (tmp_path / "strip.png").stat().st_size > 5000
    if not bidirectional:
        data = long.read_bytes()
        pieces = [data[at : at + 3000] for at in range(0, len(data), 3000)]
        rows = contract.answers_of(predictor.session(), pieces)
        assert rows[-1]["end"] == pytest.approx(6.0, abs=0.11)
        for name in videos.NAMES:
            assert rows[-1][f"p_{name}"] == pytest.approx(row[f"p_{name}"], abs=1e-5)


def test_segments_of_a_file_are_those_of_its_stream(long: Path, tmp_path: Path) -> None:
    watcher = videos.predictor(seed=5)  # whose answers change
    options: dict[str, Any] = {"segments": True, "over": 1.0, "shortest": 0.2}
    found = watcher.predict(long, plot=tmp_path / "strip.svg", **options)
    streamed = contract.answers_of(watcher.session(**options), [long.read_bytes()])
    names = ("begin", "end", "label")
    assert [[row[n] for n in names] for row in found] == [[r[n] for n in names] for r in streamed]
    assert len(found) > 1
    assert found[0]["begin"] == 0
    assert found[-1]["end"] == pytest.approx(6.0, abs=0.11)
    for row, following in pairwise(found):
        assert row["end"] == following["begin"]
        assert row["label"] != following["label"]
    assert "segments" in (tmp_path / "strip.svg").read_text(encoding="utf-8")


def test_a_clip_in_which_nothing_is_seen_gets_a_warning(
    watcher: ClassifierPredictor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blank = videos.write(tmp_path / "blank.avi", np.zeros((10, 24, 32), np.uint8))
    (row,) = watcher.predict(blank)
    assert row["warning"] == "every pixel the same"
    assert "1 row: every pixel the same" in caplog.text


@pytest.mark.fault
@pytest.mark.remedy
def test_what_cannot_be_read_is_one_line_or_left_out(
    watcher: ClassifierPredictor, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = videos.write(tmp_path / "whole.avi", videos.clip(20))
    (tmp_path / "broken.avi").write_bytes(whole.read_bytes()[:3000])
    for options in ({}, {"segments": True}):
        with pytest.raises(InputError, match=r"broken\.avi: is cut off") as error:
            watcher.predict(tmp_path, **options)
        assert "\n" not in str(error.value)
        rows = watcher.predict(tmp_path, skip_bad_rows=True, **options)
        assert {row["path"] for row in rows} == {str(whole)}
        assert "left out 1 row" in caplog.text


@pytest.mark.fault
@pytest.mark.remedy
def test_bytes_that_are_no_video_or_end_early_are_one_line(
    watcher: ClassifierPredictor, long: Path
) -> None:
    data, session = long.read_bytes(), watcher.session()
    session.push(data[: len(data) // 2])
    with pytest.raises(InputError, match="can't be kept, since its decoder can't; give --raw"):
        session.state  # noqa: B018
    with pytest.raises(InputError, match="standard input: is cut off or damaged") as error:
        session.flush()
    assert "\n" not in str(error.value)
    assert contract.answers_of(session, [data])[-1]["end"] == pytest.approx(6.0, abs=0.11)
    with pytest.raises(InputError, match="is not a video that can be read as it comes") as error:
        contract.answers_of(watcher.session(), [b"no video at all " * 100])
    assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="a video says its own rate; leave --fps out"):
        watcher.session(fps=25.0).push(data)


@pytest.mark.fault
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"text": "a"}, "--text: this classifier reads video|--text and"),
        ({"explain": True}, "--explain: for classifiers of whole texts"),
        ({"over": 1.0}, "--over: for segments; add --segments"),
        ({"audio_root": Path()}, "--audio-root: for audio, but this classifier reads video"),
        ({"text_column": "a"}, "--text-column: this classifier reads video"),
        ({"plot": Path("a.bmp")}, "must end in"),
    ],
)
def test_options_of_other_inputs_are_refused(
    watcher: ClassifierPredictor, long: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        watcher.predict(long, **options)


@pytest.mark.fault
def test_a_plot_is_of_one_clip(watcher: ClassifierPredictor, tmp_path: Path) -> None:
    for seed in range(2):
        videos.write(tmp_path / f"{seed}.avi", videos.clip(6, seed))
    with pytest.raises(InputError, match="draws one clip, but there are 2; give one of them"):
        watcher.predict(tmp_path, plot=tmp_path / "strip.png")


def test_states_are_shown_by_the_second(watcher: ClassifierPredictor, long: Path) -> None:
    found = watcher.activations(long)
    assert [step.label for step in found.steps[:3]] == ["0.00 s", "0.10 s", "0.20 s"]
    (row,) = watcher.predict(long)
    assert found.expected[0].label == row["predicted"]
    assert found.expected[0].probability == pytest.approx(row["probability"], abs=1e-5)


def test_it_is_diagnosed_in_frames(watcher: ClassifierPredictor) -> None:
    encoder = watcher.encoder.videos
    assert encoder is not None
    generator = np.random.default_rng(0)
    frames = generator.integers(0, 255, (8 * 20, *encoder.format.shape), np.uint8)
    labels = np.arange(8) % 3
    rows = Encoded(frames, np.arange(9) * 20, labels, "one", differences=True)
    given = classifier_diagnosis_input(watcher.model, rows, ClassifyConfig(), "frames", Lags())
    found = diagnose_input(given)
    assert found.measured.unit == "frames"
