"""A language model answers, and what is shown of it is what it does: states, bits, guesses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.checksums import sealed
from elman.data.given import Texts
from elman.errors import InputError, RunFailed
from elman.predictors import language_model as module
from elman.predictors.language_model import LanguageModelPredictor
from elman.predictors.predictor import load
from elman.tasks.runs import Run
from tests import tiny

TEXT = "the cat sat\non a mat"


def of(run: Run) -> LanguageModelPredictor:
    assert isinstance(run.predictor, LanguageModelPredictor)
    return run.predictor


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
    predictor = of(run)
    reading = run.activations(TEXT)
    session = predictor.open_session(module.StreamOptions(guesses=3))
    tokens = [*session.push(TEXT), *session.flush()]
    assert [step.label for step in reading.steps] == [token.text for token in tokens]
    for t, token in enumerate(tokens):
        step = reading.steps[t]
        assert step.surprise == pytest.approx(token.bits, rel=1e-5)
        for expected, guess in zip(step.expected, token.guesses, strict=False):
            assert expected.probability == pytest.approx(guess.probability, rel=1e-5)
        assert len(step.expected) == 5
        assert list(step.expected) == sorted(step.expected, key=lambda e: -e.probability)
    after = session.peek(5)
    assert [e.probability for e in reading.expected] == pytest.approx(
        [guess.probability for guess in after]
    )

    model = predictor.model
    state = model.initial_state(1)
    with torch.no_grad():
        _, state = model.step(torch.tensor([predictor.tokenizer.start_id]), state)
    for t, token in enumerate(tokens):
        with torch.no_grad():
            _, state = model.step(torch.tensor([token.id]), state)
        for panel in reading.panels:
            depth = panel.layer.removeprefix("layer ")
            if panel.key in ("h", "c"):
                own = state[f"layer{depth}.{panel.key}"].flatten().numpy()
                np.testing.assert_allclose(panel.values[t], own, rtol=1e-5, atol=1e-6)


def test_the_panels_of_a_run(trained: Run) -> None:
    reading = load(trained.path).activations("the")  # type: ignore[attr-defined]
    keys = [panel.key for panel in reading.panels]
    assert keys == ["h", "c", "input", "forget", "candidate", "output"]
    assert reading.title == str(trained.path)
    assert {panel.values.shape for panel in reading.panels} == {(3, 12)}
    assert all((p.values > 0).all() and (p.values < 1).all() for p in reading.panels if p.is_gate)


def test_a_network_left_in_training_is_shown_without_its_noise(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=1, dropout=0.5, recurrent_dropout=0.5)
    calm = run.activations("the cat").panels[0].values
    of(run).model.train()
    np.testing.assert_array_equal(run.activations("the cat").panels[0].values, calm)
    assert of(run).model.training


def test_what_cannot_be_read(trained: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(InputError, match="empty"):
        trained.activations("")
    with pytest.raises(InputError, match="--text"):
        trained.activations()
    monkeypatch.setattr(module, "MOST_TOKENS", 4)
    with pytest.raises(InputError, match="5 tokens; at most 4"):
        trained.activations("the c")


def test_weights_that_are_no_numbers(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=1)
    with torch.no_grad():
        next(of(run).model.parameters()).fill_(float("nan"))
    with pytest.raises(RunFailed, match="not a finite number"):
        run.activations("the cat")


def test_lines_come_from_strings_and_from_files(trained: Run, tmp_path: Path) -> None:
    lines = ["the cat sat", "", "a mat"]
    path, other = tmp_path / "lines.txt", tmp_path / "other.txt"
    path.write_text("\ufeff" + "\r\n".join(lines), encoding="utf-8")
    other.write_text("the dog\n", encoding="utf-8")
    wanted = trained.predictor.predict(lines)
    assert [row.text for row in wanted] == lines
    for inputs in (path, str(path), Texts(iter(lines))):
        rows = trained.predictor.predict(inputs)
        assert [(row.line, row.text) for row in rows] == list(enumerate(lines, 1))
        assert [row.nats for row in rows] == pytest.approx([row.nats for row in wanted])
    both = trained.predictor.predict([path, other])
    assert [row.text for row in both] == [*lines, "the dog"]
    assert trained.predictor.predict("the cat")[0].text == "the cat"


def test_what_is_no_text_is_said(trained: Run) -> None:
    for inputs in (None, [("a", "b")], [[1.0, 2.0]]):
        with pytest.raises(InputError, match="give files, texts or a table"):
            trained.predictor.predict(inputs)
    with pytest.raises(InputError, match="inputs:1: expected text, got 1; correct the row"):
        trained.predictor.predict({"a": [1]})
    with pytest.raises(InputError, match="--explain: a language-model has no such setting"):
        trained.predictor.predict(["the"], explain=True)


def test_parts_of_a_folder_that_do_not_fit(trained: Run, tmp_path: Path) -> None:
    of(trained).save(tmp_path / "saved")
    header = tmp_path / "saved" / "predictor.json"
    good = header.read_text(encoding="utf-8")
    for name, value in [("num_layers", "many"), ("cell", "lstn"), ("readout", "none")]:
        content = json.loads(good)
        content["settings"][name] = value
        header.write_bytes(sealed(json.dumps(content).encode()))
        with pytest.raises(InputError, match=str(value)) as error:
            load(tmp_path / "saved")
        assert "\n" not in str(error.value)
    content = json.loads(good)
    content["settings"]["hidden_size"] = 13
    header.write_bytes(sealed(json.dumps(content).encode()))
    with pytest.raises(InputError, match="weights of another model"):
        load(tmp_path / "saved")
