"""A memory run reads a sequence of its problem: what is shown is what the model does."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.data.batching import IGNORE
from elman.errors import InputError
from elman.tasks.runs import Run, train


def a_run(folder: Path, problem: str) -> Run:
    settings: dict[str, Any] = {"problem": problem, "lag": 12, "cell": "gru", "max_steps": 2}
    return train("memory", None, folder / problem, **settings, eval_sequences=20)


@pytest.mark.parametrize("problem", ["recall", "adding", "copying"])
def test_each_step_is_the_models(problem: str, tmp_path: Path) -> None:
    run = a_run(tmp_path, problem)
    reading = run.activations()
    batch = run.task.data.batch(12, 1, seed=run.task.config.seed, split="valid")
    model: Any = run.predictor.network
    state = model.initial_state(1)
    assert len(reading.steps) == len(batch.inputs)
    for t, x in enumerate(batch.inputs):
        with torch.no_grad():
            answer, state = model.step(x, state)
        shown = {panel.key: panel.values[t] for panel in reading.panels}
        np.testing.assert_allclose(shown["h"], state["h"].flatten(), rtol=1e-5, atol=1e-6)
        target = batch.targets[t, 0]
        surprise = reading.steps[t].surprise
        if target == IGNORE:
            assert surprise is None
        elif problem == "adding":
            assert surprise == pytest.approx(float((answer[0, 0] - target) ** 2), rel=1e-4)
        else:
            nats = torch.nn.functional.cross_entropy(answer[0], target)
            assert surprise == pytest.approx(float(nats) / math.log(2), rel=1e-4)
        expected = reading.expected_after(t)
        if problem == "adding":
            assert expected[0].label == f"{float(answer[0, 0]):.3f}"
        else:
            best = answer[0].softmax(-1).max()
            assert expected[0].label == str(int(answer[0].argmax()))
            assert expected[0].probability == pytest.approx(float(best), rel=1e-4)
    assert any(step.surprise is not None for step in reading.steps)


def test_the_labels_are_symbols_or_numbers(tmp_path: Path) -> None:
    recall = a_run(tmp_path, "recall").activations()
    assert all(step.label.isdigit() for step in recall.steps)
    adding = a_run(tmp_path, "adding").activations()
    marks = [step.label.split()[1] for step in adding.steps]
    assert sorted(set(marks)) == ["0", "1"]
    assert marks.count("1") == 2


def test_it_reads_nothing_else(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="leave --text out"):
        a_run(tmp_path, "recall").activations("the cat")
