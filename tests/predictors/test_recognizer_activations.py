"""What is shown of a recognizer is what it hears and says."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from elman.cli.show import pick
from elman.errors import InputError
from elman.predictors import recognizer_activations
from elman.predictors.front_end import FrontEnd, raw_frames
from elman.predictors.recognizer import RecognizerPredictor
from elman.predictors.recognizer_activations import activations_of_speech
from tests import recognizers

BINS = 8


def recording(folder: Path) -> Path:
    path = folder / "said.wav"
    soundfile.write(path, recognizers.recording(1.0), 8000, subtype="FLOAT")
    return path


@pytest.mark.parametrize("bidirectional", [False, True])
def test_the_text_that_emerges_is_the_answer(tmp_path: Path, bidirectional: bool) -> None:
    predictor = recognizers.recognizer(bidirectional=bidirectional)
    shown = predictor.activations(recording(tmp_path))
    heard = shown.heard
    assert heard is not None
    (answer,) = predictor.predict([recording(tmp_path)])
    assert heard.result == answer.text  # type: ignore[attr-defined]
    assert "".join(piece.text for piece in heard.said).split() == heard.result.split()
    assert len(heard.said) > 2
    for piece in heard.said:
        assert shown.steps[piece.step].label == piece.text
    assert sum(step.label != "·" for step in shown.steps) == len(heard.said)
    assert heard.step_seconds == pytest.approx(0.04)
    assert len(shown.layers) == (4 if bidirectional else 2)
    assert pick(shown).panel.values.shape == (len(shown.steps), 12)


def test_the_frames_are_those_before_they_were_normalized(tmp_path: Path) -> None:
    predictor = recognizers.recognizer()
    heard = predictor.activations(recording(tmp_path)).heard
    assert heard is not None
    bank = predictor.front_end.bank
    assert bank is not None
    expected = raw_frames(bank, recognizers.recording(1.0), 0.1)
    np.testing.assert_allclose(heard.frames, expected, atol=1e-4)
    assert heard.hertz is not None
    assert 20 < heard.hertz[0] < heard.hertz[-1] < 4000


def test_a_loud_tone_is_at_the_hertz_that_are_said() -> None:
    bank = recognizers.recognizer().front_end.bank
    assert bank is not None
    for hertz in (400, 1000, 2500):
        tone = 0.5 * np.sin(2 * np.pi * hertz * np.arange(800) / 8000).astype(np.float32)
        loudest = int(bank.frames(tone).mean(0).argmax())
        near = np.abs(bank.hertz - hertz)
        assert loudest == int(near.argmin())


def test_the_outputs_are_those_of_the_network(tmp_path: Path) -> None:
    predictor = recognizers.recognizer()
    shown = predictor.activations(recording(tmp_path))
    assert shown.heard is not None
    frames = predictor.front_end.frames(recognizers.recording(1.0))
    (log_probs,) = predictor.log_probs([frames])
    np.testing.assert_allclose(shown.heard.outputs, log_probs.exp(), atol=1e-5)
    assert shown.heard.names[-1] is None
    assert shown.steps[0].expected == ()
    for place in (0, 5, len(shown.steps) - 1):
        best = shown.expected_after(place)[0]
        output = int(log_probs[place].argmax())
        assert best.label == (shown.heard.names[output] or "∅")
        assert best.probability == pytest.approx(float(log_probs[place].max().exp()), abs=1e-5)


def test_features_have_no_seconds(tmp_path: Path) -> None:
    predictor = recognizers.recognizer()
    predictor.front_end = FrontEnd(None, predictor.front_end.scale)
    frames = np.random.default_rng(0).normal(8, 3, (50, BINS)).astype(np.float32)
    heard = shown(predictor, predictor.front_end.scale.apply(frames))
    assert heard.step_seconds is heard.hertz is None
    np.testing.assert_allclose(heard.frames, frames, atol=1e-4)


def shown(predictor: RecognizerPredictor, frames: np.ndarray) -> recognizer_activations.Heard:
    found = activations_of_speech(
        predictor.model, predictor.tokenizer, predictor.front_end, frames, "it"
    ).heard
    assert found is not None
    return found


def test_nothing_and_too_much_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    predictor = recognizers.recognizer()
    with pytest.raises(InputError, match="it: 0 frames, 0 steps; between 1 and 20,000"):
        shown(predictor, np.zeros((0, BINS), np.float32))
    monkeypatch.setattr(recognizer_activations, "MOST_STEPS", 9)
    with pytest.raises(InputError, match="40 frames, 10 steps; between 1 and 9 can be"):
        shown(predictor, np.zeros((40, BINS), np.float32))
    assert shown(predictor, np.zeros((36, BINS), np.float32)).outputs.shape[0] == 9
