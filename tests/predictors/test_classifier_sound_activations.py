"""What is shown of a classifier of sounds is what it hears and answers."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from elman.diagnostics.heard import Heard
from elman.plots.hearing import draw_hearing
from elman.predictors.classifier import ClassifierPredictor
from elman.predictors.front_end import raw_frames
from elman.tasks.runs import Run
from tests import sounds
from tests.data.audio import waves


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return sounds.run(tmp_path_factory.mktemp("sounds"), bidirectional=False, max_steps=4)


@pytest.fixture
def recording(tmp_path: Path) -> Path:
    waves.write(tmp_path / "tone.wav", sounds.sound("high", 77, 0.5), sounds.RATE)
    return tmp_path / "tone.wav"


def heard_by(run: Run, path: Path | None) -> Heard:
    found = run.activations(path).heard
    assert found is not None
    return found


def test_the_last_answer_is_that_of_predict(run: Run, recording: Path) -> None:
    shown, heard = run.activations(recording), heard_by(run, recording)
    (answer,) = run.predictor.predict([recording])
    assert heard.result == answer["predicted"]
    for place, name in enumerate(heard.names):
        assert heard.outputs[-1, place] == pytest.approx(answer[f"p_{name}"], abs=1e-5)
    best = shown.expected[0]
    assert best.label == heard.result
    assert best.probability == pytest.approx(float(heard.outputs[-1].max()), abs=1e-5)
    assert len(heard.outputs) == len(shown.steps) == len(shown.panels[0].values)
    assert shown.steps[2].label == f"{2 * (heard.step_seconds or 0):.2f} s"


def test_it_hears_the_log_mels_of_the_recording(run: Run, recording: Path) -> None:
    assert isinstance(run.predictor, ClassifierPredictor)
    assert run.predictor.encoder.sounds is not None
    front_end = run.predictor.encoder.sounds.front_end
    assert front_end.bank is not None
    samples, _ = soundfile.read(recording, dtype="float32")
    heard = heard_by(run, recording)
    assert heard.hertz is not None
    loudest = heard.hertz[int(heard.frames[5:-5].mean(0).argmax())]
    assert 1000 < loudest < 2200
    expected = raw_frames(front_end.bank, samples, front_end.tail)
    np.testing.assert_allclose(heard.frames, expected, atol=1e-4)


def test_without_a_recording_the_first_of_validation(run: Run) -> None:
    shown = run.activations()
    assert "first validation row" in shown.title
    assert shown.heard is not None
    assert shown.heard.result in {"high", "low"}


def test_both_directions_answer_at_the_end(tmp_path: Path, recording: Path) -> None:
    run = sounds.run(tmp_path, bidirectional=True, max_steps=2)
    shown = run.activations(recording)
    assert shown.heard is not None
    assert shown.heard.outputs.shape == (1, 2)
    (answer,) = run.predictor.predict([recording])
    assert shown.heard.result == answer["predicted"]
    draw_hearing(tmp_path / "figure.png", shown, shown.panels[0], "change")
    assert (tmp_path / "figure.png").exists()
