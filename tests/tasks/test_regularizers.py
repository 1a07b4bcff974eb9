"""No setting that acts on the training loss is ignored, and none acts on the evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
import torch

from elman.data.given import Files
from elman.settings import configure
from elman.tasks.runs import make, task_class
from elman.tasks.task import AnyTask
from tests import reviews, tiny, toy_language

OFF: Mapping[str, Mapping[str, Any]] = {
    "classify": reviews.SETTINGS
    | dict.fromkeys(("dropout", "word_dropout", "label_smoothing"), 0.0)
    | {"num_layers": 2, "bidirectional": False},
    "translation": toy_language.SETTINGS | {"num_layers": 2, "encoder_layers": 2},
    "language-model": tiny.SETTINGS
    | dict.fromkeys(("dropout", "embedding_dropout"), 0.0)
    | {"num_layers": 2},
}

LAYERS: Mapping[str, Any] = {
    "dropout": 0.5,
    "recurrent_dropout": 0.5,
    "weight_dropout": 0.5,
    "zoneout": 0.5,
}
PLACED: Mapping[str, Any] = LAYERS | {
    "input_dropout": 0.5,
    "hidden_dropout": 0.5,
    "output_dropout": 0.5,
}
ON: Mapping[str, Mapping[str, Any]] = {
    "classify": PLACED | {"word_dropout": 0.5, "label_smoothing": 0.2, "class_weights": "balanced"},
    "translation": LAYERS
    | {"label_smoothing": 0.2, "scheduled_sampling": 0.9, "input_feeding": True},
    "language-model": PLACED
    | {"embedding_dropout": 0.5, "activation_penalty": 2.0, "slowness_penalty": 2.0},
}
STRUCTURE = ("input_feeding", "zoneout")
"""These act on the evaluation too: it has more inputs, or the mean of both states."""


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, AnyTask]:
    """The tasks with everything off."""
    tasks = {}
    for name, settings in OFF.items():
        folder = tmp_path_factory.mktemp(name)
        (folder / "data").mkdir()
        if name == "classify":
            path = folder / "reviews.csv"
            rows = [f"{text},{label}\n" for text, label in reviews.reviews(80)]
            rows += [row for row in rows if "good" in row] * 2  # so that classes have weights
            path.write_text("text,label\n" + "".join(rows), encoding="utf-8")
        else:
            path = toy_language.write(folder, 60) if name == "translation" else tiny.write(folder)
        kind = task_class(name)
        config = configure(kind.Config, settings)
        tasks[name] = kind(config, kind.prepare(config, Files((path,)), folder / "data"))
    return tasks


def losses(task: AnyTask, changes: Mapping[str, Any]) -> tuple[float, float]:
    """The training loss of the first batch and that of an evaluation, with the same weights."""
    kind = type(task)
    config = configure(kind.Config, {**OFF[task.name], **changes})
    changed = kind(config, task.data)
    predictor = make(changed, "here")
    model = predictor.network
    torch.manual_seed(1)
    with torch.no_grad():
        for name, parameter in sorted(model.named_parameters()):
            parameter.copy_(torch.randn(parameter.shape) * 0.3 if name else parameter)
    objective = changed.objective(predictor)
    batch = next(changed.source())
    state = None
    if task.name == "language-model":
        state = model.initial_state(batch.batch_size)
    elif task.name == "translation":
        batch = replace(batch, number=config.sampling_steps)
    torch.manual_seed(2)
    model.train()
    trained = float(objective.loss(batch, state).loss.detach())
    model.eval()
    with torch.no_grad():
        return trained, objective.evaluate()["loss"]


@pytest.mark.parametrize(
    ("name", "setting"), [(name, setting) for name, settings in ON.items() for setting in settings]
)
def test_a_setting_acts_on_the_training_loss_and_not_on_the_evaluation(
    prepared: Mapping[str, AnyTask], name: str, setting: str
) -> None:
    task = prepared[name]
    off, evaluated = losses(task, {})
    assert losses(task, {})[0] == off
    on, again = losses(task, {setting: ON[name][setting]})
    assert abs(on - off) > 1e-4
    if setting not in STRUCTURE:
        assert again == pytest.approx(evaluated, rel=1e-6)
