"""What is shown of a classifier is what it does: its answers after each step are its stream's."""

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
    reading = run.read(TEXT)
    assert "".join(step.label for step in reading.steps).replace("·", "") == f" {TEXT}"
    ends = [place for place, step in enumerate(reading.steps) if step.label != "·"]
    front = run.stream()
    answers = [*front.push(TEXT), *front.flush()]
    for place, answer in zip(ends, answers, strict=True):
        told = {each.label: each.probability for each in reading.expected_after(place)}
        assert told["good"] == pytest.approx(answer["p_good"], rel=1e-4)
    assert reading.layers == ["layer 0", "layer 1"]
    assert all(len(panel.values) == len(reading.steps) for panel in reading.panels)


def test_who_reads_from_both_ends_answers_at_the_end(tmp_path: Path) -> None:
    run = begun(tmp_path, reviews.write(tmp_path))
    reading = run.read(TEXT)
    (answer,) = run.predict([TEXT])
    assert [step.expected for step in reading.steps] == [()] * 4
    told = {each.label: each.probability for each in reading.expected}
    assert told["good"] == pytest.approx(answer["p_good"], rel=1e-4)
    assert reading.layers == ["layer 0", "layer 0, from the end"]
    assert pick(reading).panel.layer == "layer 0"
    assert pick(reading, reverse=True).panel.layer == "layer 0, from the end"


def test_numbers_show_a_row_of_their_own(tmp_path: Path) -> None:
    data, _ = halves.write(tmp_path)
    run = begun(tmp_path, data)
    reading = run.read()
    assert not reading.is_text
    assert len(reading.steps) == len(reading.panels[0].values)
    assert sum(each.probability for each in reading.expected) == pytest.approx(1)
    with pytest.raises(InputError, match="leave --text out"):
        run.read(TEXT)


def test_a_text_is_needed(tmp_path: Path) -> None:
    run = begun(tmp_path, reviews.write(tmp_path))
    with pytest.raises(InputError, match="--text"):
        run.read()
    with pytest.raises(InputError, match="empty"):
        run.read("  ")
