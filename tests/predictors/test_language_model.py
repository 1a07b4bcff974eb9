"""What is shown is what the model does: states, bits and guesses against its stream."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import InputError, RunFailed
from elman.predictors import language_model_activations as module
from elman.tasks.runs import Run
from elman.tasks.task import Task
from tests import tiny

TEXT = "the cat sat\non a mat"


@pytest.mark.parametrize(
    "settings",
    [
        {"cell": "lstm", "num_layers": 2, "layer_norm": True},
        {"cell": "gru", "zoneout": 0.2, "learn_initial_state": True},
        {"cell": "rnn", "unit": "bpe", "vocab_size": 270},
        {"cell": "lstm", "unit": "word"},
    ],
)
def test_each_step_is_the_streams(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = tiny.run(tmp_path, max_steps=3, **settings)
    reading = run.read(TEXT)
    front = run.stream()
    tokens = [*front.push(TEXT), *front.flush()]
    assert [step.label for step in reading.steps] == [token.text for token in tokens]
    for t, token in enumerate(tokens):
        step = reading.steps[t]
        assert step.surprise == pytest.approx(token.bits, rel=1e-5)
        for expected, guess in zip(step.expected, token.guesses, strict=False):
            assert expected.probability == pytest.approx(guess.probability, rel=1e-5)
        assert len(step.expected) == 5
        assert list(step.expected) == sorted(step.expected, key=lambda e: -e.probability)
    after = front.peek(5)  # type: ignore[attr-defined]
    assert [e.probability for e in reading.expected] == pytest.approx(
        [guess.probability for guess in after]
    )

    model: Any = run.model
    state = model.initial_state(1)
    _, state = model.step(torch.tensor([run.task.tokenizer.start_id]), state)  # type: ignore[attr-defined]
    for t, token in enumerate(tokens):
        with torch.no_grad():
            _, state = model.step(torch.tensor([token.id]), state)
        for panel in reading.panels:
            depth = panel.layer.removeprefix("layer ")
            if panel.key in ("h", "c"):
                own = state[f"layer{depth}.{panel.key}"].flatten().numpy()
                np.testing.assert_allclose(panel.values[t], own, rtol=1e-5, atol=1e-6)


def test_the_panels_of_a_run(trained: Run) -> None:
    reading = trained.read("the")
    keys = [panel.key for panel in reading.panels]
    assert keys == ["h", "c", "input", "forget", "candidate", "output"]
    assert reading.title == str(trained.path)
    assert {panel.values.shape for panel in reading.panels} == {(3, 12)}
    assert all((p.values > 0).all() and (p.values < 1).all() for p in reading.panels if p.is_gate)


def test_a_network_left_in_training_is_shown_without_its_noise(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=1, dropout=0.5, recurrent_dropout=0.5)
    calm = run.read("the cat").panels[0].values
    run.model.train()
    np.testing.assert_array_equal(run.read("the cat").panels[0].values, calm)
    assert run.model.training


def test_what_cannot_be_read(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="empty"):
        trained.read("")
    monkeypatch.setattr(module, "MOST_TOKENS", 4)
    with pytest.raises(InputError, match="5 tokens; at most 4"):
        trained.read("the c")

    class Other(Task):
        name = "juggling"
        describe = build_model = objective = source = next_steps = None  # type: ignore[assignment]
        prepare = evaluate = predict = stream = None  # type: ignore[assignment]

    other = replace(trained, task=Other(trained.task.config, trained.task.run))
    with pytest.raises(InputError, match="a juggling run cannot be shown"):
        other.read("the")


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=1)
    with torch.no_grad():
        next(run.model.parameters()).fill_(float("nan"))
    with pytest.raises(RunFailed, match="not a finite number"):
        run.read("the cat")
