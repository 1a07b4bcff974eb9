"""Tests of the loss of a recognizer, against the sum over all alignments, and of error rates."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from elman.data.audio.utterances import UtteranceBatch
from elman.models.acoustic import AcousticModel
from elman.predictors.recognizer import RecognizerPredictor
from elman.settings import configure
from elman.tasks.runs import make
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.speech.data import open_data
from elman.tasks.speech.objective import SpeechObjective, error_rates
from elman.tasks.speech.task import SpeechTask
from tests import toy_speech


@pytest.fixture(scope="module")
def task(tmp_path_factory: pytest.TempPathFactory) -> SpeechTask:
    folder = tmp_path_factory.mktemp("objective")
    config = configure(SpeechConfig, {**toy_speech.SMALL, "hidden_size": 6, "choose": "loss"})
    given = toy_speech.given(toy_speech.write(folder / "audio", toy_speech.texts(20)))
    SpeechTask.prepare(config, given, folder)
    return SpeechTask(config, open_data(folder))


def predictor_of(task: SpeechTask) -> RecognizerPredictor:
    predictor = make(task)
    predictor.model.eval()
    return predictor


def by_alignments(log_probs: np.ndarray, tokens: list[int], blank: int) -> float:
    """-log of the sum over all alignments of (S, K), one by one."""
    total = 0.0
    for path in itertools.product(range(log_probs.shape[1]), repeat=len(log_probs)):
        said = [one for one, _ in itertools.groupby(path) if one != blank]
        if said == tokens:
            total += math.exp(sum(log_probs[step, one] for step, one in enumerate(path)))
    return -math.log(total)


def tiny_batch(model: AcousticModel) -> UtteranceBatch:
    """Rows of 4, 2 and 3 steps; the second has no room for its text, the third has none."""
    stride = model.window.stride
    lengths = torch.tensor([4 * stride, 2 * stride, 3 * stride])
    tokens = torch.tensor([[1, 1], [2, 2], [0, 0]])
    return UtteranceBatch(torch.randn(4 * stride, 3, 12), lengths, tokens, torch.tensor([2, 2, 0]))


def test_the_loss_is_that_of_all_alignments(task: SpeechTask) -> None:
    torch.manual_seed(0)
    predictor = predictor_of(task)
    model = predictor.model
    # Fewer outputs, so that all alignments can be gone through.
    model.readout = torch.nn.Linear(model.readout.in_features, 4)
    objective = SpeechObjective(model, task.config, task.data)
    batch = tiny_batch(model)
    log_probs, _ = model(batch.frames, batch.lengths)
    found = log_probs.detach().double().numpy()
    expected = [
        by_alignments(found[:4, 0], [1, 1], 3),
        0.0,
        by_alignments(found[:3, 2], [], 3),
    ]
    assert objective.row_losses(batch, 9).tolist() == pytest.approx(expected, rel=1e-5)
    assert objective.row_losses(batch, 1).tolist() == pytest.approx(expected[:1], rel=1e-5)
    step = objective.loss(batch, None)
    assert step.units == 5
    assert float(step.loss.detach()) == pytest.approx(sum(expected) / 5, rel=1e-5)


def test_the_gradient_is_finite_and_exact(task: SpeechTask) -> None:
    torch.manual_seed(0)
    predictor = predictor_of(task)
    model = predictor.model.double()
    model.readout = torch.nn.Linear(model.readout.in_features, 4).double()
    objective = SpeechObjective(model, task.config, task.data)
    batch = tiny_batch(model)
    frames = batch.frames.double()
    bias = model.readout.bias

    def loss() -> torch.Tensor:
        few = UtteranceBatch(frames, batch.lengths, batch.tokens, batch.token_lengths)
        return objective.loss(few, None).loss

    (found,) = torch.autograd.grad(loss(), bias)
    assert found.isfinite().all()
    for place in range(4):
        with torch.no_grad():
            bias[place] += 1e-2
            above = float(loss())
            bias[place] -= 2e-2
            below = float(loss())
            bias[place] += 1e-2
        # Log-probabilities are float32 whatever the weights.
        assert float(found[place]) == pytest.approx((above - below) / 2e-2, rel=1e-3, abs=1e-5)


def test_validation_is_that_of_each_row_alone(task: SpeechTask) -> None:
    predictor = predictor_of(task)
    objective = SpeechObjective(predictor.model, task.config, task.data)
    rows, texts = task.data.splits["valid"], task.data.texts["valid"]
    with torch.no_grad():
        scores = objective.evaluate()
        nats, units, heard = 0.0, 0, []
        for row in range(len(rows)):
            frames = task.data.frames(rows.row(row))
            batch = rows.batch(np.array([row]), [frames])
            nats += float(objective.row_losses(batch, 1))
            units += batch.units
            heard += [predictor.text(best) for best, *_ in predictor.hypotheses([frames])]
    assert scores["loss"] == scores["nats"] == pytest.approx(nats / units, rel=1e-5)
    assert (scores["cer"], scores["wer"]) == error_rates(texts, heard)


@pytest.mark.parametrize("choose", ["cer", "wer"])
def test_the_best_weights_have_the_fewest_errors_and_then_the_least_loss(
    task: SpeechTask, choose: str
) -> None:
    predictor = predictor_of(task)
    config = task.config.model_copy(update={"choose": choose})
    with torch.no_grad():
        scores = SpeechObjective(predictor.model, config, task.data).evaluate()
    assert scores["loss"] == pytest.approx(scores[choose] + 1e-4 * scores["nats"])


def test_error_rates_are_of_all_texts_together() -> None:
    cer, wer = error_rates(["ab cd", "a", ""], ["ab c", "b", "x"])
    assert cer == pytest.approx(3 / 6)
    assert wer == pytest.approx(3 / 3)
    assert error_rates([""], [""]) == (0, 0)


def test_nothing_is_carried(task: SpeechTask, tmp_path: Path) -> None:
    predictor = predictor_of(task)
    objective = SpeechObjective(predictor.model, task.config, task.data)
    with pytest.raises(AssertionError, match="no state is carried"):
        objective.advance(tiny_batch(predictor.model), predictor.model.initial_state(3))
