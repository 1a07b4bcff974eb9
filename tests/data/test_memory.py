"""What the generators draw, against a plain reading of each sequence, and what guessing scores."""

import sys

import numpy as np
import pytest
import torch

from elman.data.batching import IGNORE, Batch
from elman.data.digits import images
from elman.data.memory import PROBLEMS, Problem, Split, problem_named
from elman.errors import InputError

LAGS = (10, 23)


def symbols(row: np.ndarray) -> list[int]:
    """The symbols of a one-hot sequence (T, I)."""
    assert (row.sum(1) == 1).all()
    assert set(np.unique(row)) <= {0, 1}
    return [int(step.argmax()) for step in row]


def recall(row: np.ndarray, lag: int) -> list[float]:
    first, *rest = symbols(row)
    assert first < 8
    assert len(rest) == lag
    assert min(rest) >= 8
    return [first]


def copying(row: np.ndarray, lag: int) -> list[float]:
    read = symbols(row)
    assert read[10:] == [8] * (lag - 1) + [9] + [8] * 10
    return read[:10]


def adding(row: np.ndarray, lag: int) -> list[float]:
    assert len(row) == lag
    marked = [t for t in range(lag) if row[t, 1] == 1]
    assert sorted(set(row[:, 1])) == [0, 1]
    first, second = marked
    assert first < lag // 2 <= second
    return [row[first, 0] + row[second, 0]]


def temporal_order(row: np.ndarray, lag: int) -> list[float]:
    read = symbols(row)
    assert len(read) == lag
    first, second = (t for t in range(lag) if read[t] < 2)
    assert lag // 10 <= first < 2 * lag // 10
    assert 4 * lag // 10 <= second < 5 * lag // 10
    return [{"XX": 0, "XY": 1, "YX": 2, "YY": 3}["XY"[read[first]] + "XY"[read[second]]]]


def parity(row: np.ndarray, lag: int) -> list[float]:
    odd = False
    for bit in symbols(row):
        odd ^= bit == 1
    assert len(row) == lag
    return [odd]


def counting(row: np.ndarray, lag: int) -> list[float]:
    assert len(row) == lag
    return [symbols(row).count(1)]


def digits(row: np.ndarray, lag: int) -> list[float]:
    pixels, labels = images("train")
    assert (row[64:] == [0, 1]).all()
    assert len(row) == 64 + lag
    (found,) = np.flatnonzero((pixels == row[:64, 0]).all(1))
    return [labels[found]]


ORACLES = {
    "recall": recall,
    "adding": adding,
    "copying": copying,
    "temporal-order": temporal_order,
    "parity": parity,
    "counting": counting,
    "digits": digits,
}
ROWS = [pytest.param(problem, id=name) for name, problem in PROBLEMS.items()]


def scored(batch: Batch) -> torch.Tensor:
    """The targets of the last steps, (S, B), those before being left out."""
    kept = (batch.targets != IGNORE).any(1)
    last = batch.targets[kept]
    assert not kept[: -len(last)].any()
    assert (last != IGNORE).all()
    return last


def test_every_task_has_an_oracle() -> None:
    assert set(ORACLES) == set(PROBLEMS)


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("problem", ROWS)
def test_the_targets_are_what_the_sequence_says(problem: Problem, lag: int) -> None:
    batch = problem.batch(lag, 50, seed=1, split="train")
    steps = batch.inputs.shape[0]
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.shape == (steps, 50, problem.input_size)
    assert batch.targets.shape == (steps, 50)
    assert batch.targets.dtype == (torch.float32 if problem.output_size == 1 else torch.int64)
    targets = scored(batch).numpy()
    for row in range(50):
        expected = ORACLES[problem.name](batch.inputs[:, row].numpy(), lag)
        np.testing.assert_allclose(targets[:, row], expected, rtol=1e-6)


def draw(problem: Problem, seed: int) -> torch.Tensor:
    return scored(problem.batch(11, 20_000, seed=seed, split="train")).flatten()


@pytest.mark.parametrize("problem", ROWS)
def test_guessing_scores_what_is_stated(problem: Problem) -> None:
    """The best constant answer, fitted to one draw, scored on another."""
    fitted, fresh = (draw(problem, seed) for seed in (1, 2))
    if problem.metric == "accuracy":
        assert set(fresh.tolist()) == set(range(problem.output_size))
        score = float((fresh == fitted.mode().values).float().mean())
    else:
        score = float((fresh - fitted.mean()).square().mean())
    assert score == pytest.approx(problem.guess, abs=0.01)
    assert not problem.is_mastered(score)


@pytest.mark.parametrize("problem", ROWS)
def test_mastery_begins_at_the_threshold(problem: Problem) -> None:
    worse = -1e-6 if problem.metric == "accuracy" else 1e-6
    assert problem.is_mastered(problem.mastered)
    assert not problem.is_mastered(problem.mastered + worse)
    assert not problem.is_mastered(float("nan"))


@pytest.mark.parametrize("problem", ROWS)
def test_a_draw_depends_on_its_arguments_alone(problem: Problem) -> None:
    def draw(seed: int = 3, index: int = 4, split: Split = "train") -> Batch:
        return problem.batch(12, 8, seed=seed, index=index, split=split)

    assert torch.equal(draw().inputs, draw().inputs)
    assert torch.equal(draw().targets, draw().targets)
    for other in (draw(seed=4), draw(index=3), draw(split="valid"), draw(split="test")):
        assert not torch.equal(draw().inputs, other.inputs)


@pytest.mark.parametrize("problem", ROWS)
def test_the_shortest_lag_is_drawn_and_a_shorter_one_refused(problem: Problem) -> None:
    assert torch.isfinite(problem.batch(problem.shortest, 500, seed=0, split="train").inputs).all()
    for lag in {problem.shortest - 1, 0, -1}:
        with pytest.raises(
            InputError, match=rf"^lag {lag}: {problem.name} needs .* {problem.shortest}$"
        ):
            problem.batch(lag, 2, seed=0, split="test")


def test_each_place_is_drawn() -> None:
    """Marks and symbols stand everywhere they may, the ends of their ranges included."""
    marks = PROBLEMS["adding"].batch(7, 2000, seed=0, split="train").inputs[:, :, 1].sum(1)
    np.testing.assert_allclose(marks, 2000 / np.array([3, 3, 3, 4, 4, 4, 4]), rtol=0.15)
    counted = PROBLEMS["counting"].batch(9, 2000, seed=0, split="train").inputs[:, :, 1].mean(1)
    np.testing.assert_allclose(counted, 0.5, atol=0.05)


def test_no_digit_is_in_two_splits() -> None:
    drawn = {
        split: PROBLEMS["digits"].batch(1, 20_000, seed=0, split=split).inputs[:64, :, 0].T
        for split in ("train", "valid", "test")
    }
    assert [len(drawn[split]) for split in ("valid", "test")] == [357, 355]
    images = {split: {row.tobytes() for row in rows.numpy()} for split, rows in drawn.items()}
    assert [len(found) for found in images.values()] == [1085, 357, 355]
    assert len(set.union(*images.values())) == 1797


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    images.cache_clear()
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r'pip install "elman\[probe\]"'):
        PROBLEMS["digits"].batch(1, 2, seed=0, split="train")


def test_an_unknown_problem_is_refused() -> None:
    with pytest.raises(InputError, match=r"^tower: no such memory problem; choose from recall, "):
        problem_named("tower")
