"""What the generators draw, against a plain reading of each sequence, and what guessing scores."""

import numpy as np
import pytest
import torch

from elman.data.batching import IGNORE, Batch
from elman.data.digits import images
from elman.data.memory import MEMORY_TASKS, MemoryTask, memory_task
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
    pixels, labels = images(held_out=False)
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
TASKS = [pytest.param(task, id=name) for name, task in MEMORY_TASKS.items()]


def scored(batch: Batch) -> torch.Tensor:
    """The targets of the last steps, (S, B), those before being left out."""
    kept = (batch.targets != IGNORE).any(1)
    last = batch.targets[kept]
    assert not kept[: -len(last)].any()
    assert (last != IGNORE).all()
    return last


def test_every_task_has_an_oracle() -> None:
    assert set(ORACLES) == set(MEMORY_TASKS)


@pytest.mark.parametrize("lag", LAGS)
@pytest.mark.parametrize("task", TASKS)
def test_the_targets_are_what_the_sequence_says(task: MemoryTask, lag: int) -> None:
    batch = task.batch((1, 2), lag, 50)
    steps = batch.inputs.shape[0]
    assert batch.inputs.dtype == torch.float32
    assert batch.inputs.shape == (steps, 50, task.input_size)
    assert batch.targets.shape == (steps, 50)
    assert batch.targets.dtype == (torch.float32 if task.output_size == 1 else torch.int64)
    targets = scored(batch).numpy()
    for row in range(50):
        expected = ORACLES[task.name](batch.inputs[:, row].numpy(), lag)
        np.testing.assert_allclose(targets[:, row], expected, rtol=1e-6)


@pytest.mark.parametrize("task", TASKS)
def test_guessing_scores_what_is_stated(task: MemoryTask) -> None:
    """The best constant answer, fitted to one draw, scored on another."""
    fitted, fresh = (scored(task.batch((seed,), 11, 20_000)).flatten() for seed in (1, 2))
    if task.metric == "accuracy":
        assert set(fresh.tolist()) == set(range(task.output_size))
        score = float((fresh == fitted.mode().values).float().mean())
    else:
        score = float((fresh - fitted.mean()).square().mean())
    tolerance = 0.01 if task.name != "digits" else 0.02  # classes of images are not quite even
    assert score == pytest.approx(task.guess, abs=tolerance)
    assert not task.is_mastered(score)


@pytest.mark.parametrize("task", TASKS)
def test_mastery_begins_at_the_threshold(task: MemoryTask) -> None:
    worse = -1e-6 if task.metric == "accuracy" else 1e-6
    assert task.is_mastered(task.mastered)
    assert not task.is_mastered(task.mastered + worse)
    assert not task.is_mastered(float("nan"))


@pytest.mark.parametrize("task", TASKS)
def test_a_draw_depends_on_its_seed_alone(task: MemoryTask) -> None:
    one, again, other = (task.batch(seed, 12, 8) for seed in ((3, 4), (3, 4), (3, 5)))
    assert torch.equal(one.inputs, again.inputs)
    assert torch.equal(one.targets, again.targets)
    assert not torch.equal(one.inputs, other.inputs)


@pytest.mark.parametrize("task", TASKS)
def test_the_shortest_lag_is_drawn_and_a_shorter_one_refused(task: MemoryTask) -> None:
    assert torch.isfinite(task.batch((0,), task.shortest, 500).inputs).all()
    for lag in {task.shortest - 1, 0, -1}:
        with pytest.raises(InputError, match=rf"^lag {lag}: {task.name} needs .* {task.shortest}$"):
            task.batch((0,), lag, 2)


def test_each_place_is_drawn() -> None:
    """Marks and symbols stand everywhere they may, the ends of their ranges included."""
    marks = MEMORY_TASKS["adding"].batch((0,), 7, 2000).inputs[:, :, 1].sum(1)
    np.testing.assert_allclose(marks, 2000 / np.array([3, 3, 3, 4, 4, 4, 4]), rtol=0.15)
    counted = MEMORY_TASKS["counting"].batch((0,), 9, 2000).inputs[:, :, 1].mean(1)
    np.testing.assert_allclose(counted, 0.5, atol=0.05)


def test_held_out_digits_are_never_trained_on() -> None:
    task = MEMORY_TASKS["digits"]
    kept = task.batch((0,), 1, 10_000, held_out=True)
    assert kept.inputs.shape[1] == task.held_out == 360
    trained = {row.tobytes() for row in images(held_out=False)[0]}
    assert not any(row.tobytes() in trained for row in kept.inputs[:64, :, 0].T.numpy())


def test_digits_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    images.cache_clear()
    monkeypatch.setitem(__import__("sys").modules, "sklearn.datasets", None)
    with pytest.raises(InputError, match=r'pip install "elman\[probe\]"'):
        MEMORY_TASKS["digits"].batch((0,), 1, 2)


def test_an_unknown_task_is_refused() -> None:
    with pytest.raises(InputError, match=r"^tower: no such memory task; choose from recall, "):
        memory_task("tower")
