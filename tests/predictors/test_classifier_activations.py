"""The answers that are shown after each step are those of a session."""

from pathlib import Path
from typing import Any

import pytest

from elman.cli.show import pick
from elman.errors import InputError
from elman.tasks import runs
from elman.tasks.runs import Run
from tests import halves, reviews

TEXT = "the film was great"


def begun(folder: Path, data: Path, **settings: Any) -> Run:
    """A run with the weights it began with."""
    config = runs.configure(runs.task_class("classify").Config, reviews.SETTINGS | settings)
    return runs.begin("classify", data, folder / "run", config)


@pytest.mark.parametrize("unit", ["word", "bpe", "char"])
def test_the_answers_are_those_of_the_stream(tmp_path: Path, unit: str) -> None:
    run = begun(tmp_path, reviews.write(tmp_path), bidirectional=False, unit=unit, num_layers=2)
    found = run.activations(TEXT)
    assert "".join(step.label for step in found.steps).replace("·", "") == f" {TEXT}"
    ends = [place for place, step in enumerate(found.steps) if step.label != "·"]
    session = run.predictor.session()
    answers = [*session.push(TEXT), *session.flush()]
    for place, answer in zip(ends, answers, strict=True):
        probabilities = {each.label: each.probability for each in found.expected_after(place)}
        assert probabilities["good"] == pytest.approx(answer["p_good"], rel=1e-4)
    assert found.layers == ["layer 0", "layer 1"]
    assert all(len(panel.values) == len(found.steps) for panel in found.panels)


def test_a_bidirectional_classifier_answers_at_the_end(tmp_path: Path) -> None:
    run = begun(tmp_path, reviews.write(tmp_path))
    found = run.activations(TEXT)
    (answer,) = run.predictor.predict([TEXT])
    assert [step.expected for step in found.steps] == [()] * 4
    probabilities = {each.label: each.probability for each in found.expected}
    assert probabilities["good"] == pytest.approx(answer["p_good"], rel=1e-4)
    assert found.layers == ["layer 0", "layer 0, from the end"]
    assert pick(found).panel.layer == "layer 0"
    assert pick(found, reverse=True).panel.layer == "layer 0, from the end"


def test_numbers_show_a_row_of_their_own(tmp_path: Path) -> None:
    data, _ = halves.write(tmp_path)
    run = begun(tmp_path, data)
    found = run.activations()
    assert not found.is_text
    assert len(found.steps) == len(found.panels[0].values)
    assert sum(each.probability for each in found.expected) == pytest.approx(1)
    with pytest.raises(InputError, match="leave --text out"):
        run.activations(TEXT)


def test_a_text_is_needed(tmp_path: Path) -> None:
    run = begun(tmp_path, reviews.write(tmp_path))
    with pytest.raises(InputError, match="--text"):
        run.activations()
    with pytest.raises(InputError, match="empty"):
        run.activations("  ")
