"""A classifier is trained, measured and applied on what people hold, not on files alone."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import elman
from elman.errors import InputError
from tests import halves, reviews

TEXTS, LABELS = [list(column) for column in zip(*reviews.reviews(), strict=True)]
SHORT: dict[str, Any] = reviews.SETTINGS | {"max_steps": 60, "eval_every": 30, "seed": 3}


def scores_of(run: Any) -> dict[tuple[str, str], float]:
    return {(score.split, score.metric): score.value for score in run.evaluate()}


@pytest.fixture(scope="module")
def from_file(tmp_path_factory: pytest.TempPathFactory) -> Any:
    folder = tmp_path_factory.mktemp("file")
    return elman.train("sentiment", reviews.write(folder), folder / "run", **SHORT)


def frame(kind: str) -> Any:
    columns = {"text": TEXTS, "label": LABELS}
    if kind == "mapping":
        return columns
    return importlib.import_module(kind).DataFrame(columns)


@pytest.mark.parametrize("kind", ["mapping", "pandas", "polars"])
def test_a_table_in_memory_is_the_file(from_file: Any, tmp_path: Path, kind: str) -> None:
    run = elman.train("sentiment", frame(kind), tmp_path / "run", **SHORT)
    assert scores_of(run) == scores_of(from_file)
    rows = run.predictor.predict(frame(kind))
    assert [row["label"] for row in rows] == LABELS
    assert np.mean([row["label"] == row["predicted"] for row in rows]) > 0.9
    (accuracy,) = (s.value for s in run.evaluate(frame(kind)) if s.metric == "accuracy")
    assert accuracy == np.mean([row["label"] == row["predicted"] for row in rows])


def test_texts_with_labels_are_the_file(from_file: Any, tmp_path: Path) -> None:
    run = elman.train("sentiment", (TEXTS, LABELS), tmp_path / "run", **SHORT)
    assert scores_of(run) == scores_of(from_file)
    rows = run.predictor.predict(TEXTS)
    assert [row["text"] for row in rows] == TEXTS
    assert rows.to_frame().columns.tolist() == [*rows[0]]
    (accuracy,) = (s.value for s in run.evaluate((TEXTS, LABELS)) if s.metric == "accuracy")
    assert accuracy == np.mean([row["predicted"] == n for row, n in zip(rows, LABELS, strict=True)])


def test_held_out_data_of_ones_own(tmp_path: Path) -> None:
    run = elman.train(
        "sentiment",
        (TEXTS[:100], LABELS[:100]),
        tmp_path / "run",
        valid=(TEXTS[100:130], LABELS[100:130]),
        test=(TEXTS[130:], LABELS[130:]),
        **SHORT,
    )
    described = run.task.describe()
    for line in ("train       100 rows", "valid        30 rows", "test         30 rows"):
        assert any(line in each for each in described)


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_arrays_with_labels(tmp_path: Path, kind: str) -> None:
    path, labels = halves.write(tmp_path)
    held = np.load(path)
    arrays: list[Any] = [v[:n] for v, n in zip(held["values"], held["lengths"], strict=True)]
    if kind == "torch":
        arrays = [torch.from_numpy(array) for array in arrays]
    settings = SHORT | {"max_steps": 150}
    run = elman.train("classify", (arrays, labels), tmp_path / "run", **settings)
    assert scores_of(run)["test", "accuracy"] > 0.9
    rows = run.predictor.predict(arrays)
    assert [row["row"] for row in rows] == list(range(1, 201))
    same = run.predictor.predict(path)
    assert [row["predicted"] for row in rows] == [row["predicted"] for row in same]
    with pytest.raises(InputError, match="3 channels, expected 2"):
        run.predictor.predict([np.zeros((4, 3))])


def test_arrays_with_a_label_for_each_step(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=(n, 1)) for n in rng.integers(3, 9, 120)]
    labels = [(array[:, 0] > 0).astype(int) for array in arrays]
    settings = SHORT | {"per_step": True, "bidirectional": False, "max_steps": 150}
    run = elman.train("classify", (arrays, labels), tmp_path / "run", **settings)
    assert scores_of(run)["test", "accuracy"] > 0.9
    rows = run.predictor.predict(arrays[:2])
    lengths = [len(array) for array in arrays[:2]]
    assert [row["row"] for row in rows] == [1] * lengths[0] + [2] * lengths[1]
    answers = run.predictor.session().push(arrays[0])
    assert [row["predicted"] for row in answers] == [row["predicted"] for row in rows[: lengths[0]]]
    assert run.predictor.activations(arrays[0]).steps


def test_other_data_are_refused_by_name(from_file: Any, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="label"):
        elman.train("sentiment", TEXTS, tmp_path / "run", **SHORT)
    with pytest.raises(InputError, match="no data"):
        elman.train("sentiment", None, tmp_path / "run", **SHORT)
    assert not (tmp_path / "run").exists()
    with pytest.raises(InputError, match="mediocre"):
        from_file.evaluate((["a film"], ["mediocre"]))
    with pytest.raises(InputError, match="got arrays"):
        from_file.predictor.predict([np.zeros((3, 2))])
