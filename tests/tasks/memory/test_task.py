"""One memory problem as a run: it is learned, kept, evaluated, resumed and refused in a line."""

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.data.batching import IGNORE
from elman.data.memory import PROBLEMS
from elman.errors import InputError
from elman.models.memory import MemoryNetwork
from elman.tasks.memory.data import held_out
from elman.tasks.memory.task import MemoryTask
from elman.tasks.runs import Run, reopen, resume, train

SMALL: dict[str, Any] = {
    "lag": 12,
    "hidden_size": 12,
    "batch_size": 8,
    "learning_rate": 0.02,
    "max_steps": 400,
    "eval_every": 20,
    "eval_sequences": 100,
    "threads": 1,
}


def made(path: Path, **settings: Any) -> Run:
    return train("memory", None, path, **SMALL | settings)


def records(run: Run) -> list[dict[str, Any]]:
    lines = (run.path / "metrics.jsonl").read_text().splitlines()
    times = ("seconds", "units_per_second", "chain")
    return [{k: v for k, v in json.loads(line).items() if k not in times} for line in lines]


@pytest.fixture(scope="module")
def solved(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return made(tmp_path_factory.mktemp("solved") / "run", cell="gru", problem="recall")


def test_recall_is_learned_and_training_stops_there(solved: Run) -> None:
    *before, last = [r for r in records(solved) if "validation_accuracy" in r]
    assert last["validation_solved"] == 1
    assert last["validation_accuracy"] >= 0.975
    assert all(r["validation_accuracy"] < 0.975 for r in before)
    assert last["step"] < SMALL["max_steps"]
    measured, guess = solved.evaluate()
    assert measured.value > 0.95
    assert (guess.split, guess.value) == ("guess", 1 / 8)


def test_the_score_is_that_of_the_last_output(solved: Run) -> None:
    """Step by step over the test's sequences, the answers counted one by one."""
    task, model = solved.task, solved.predictor.network
    assert isinstance(task, MemoryTask)
    assert isinstance(model, MemoryNetwork)
    right = asked = 0
    for batch in held_out(task.data, task.config, "test"):
        state = model.initial_state(batch.batch_size)
        for x_t, target in zip(batch.inputs, batch.targets, strict=True):
            y_t, state = model.step(x_t, state)
            for answer, wanted in zip(y_t, target.tolist(), strict=True):
                if wanted != IGNORE:
                    asked += 1
                    right += int(answer.argmax()) == wanted
    assert asked == 400
    assert solved.evaluate()[0].value == pytest.approx(right / asked)


def test_a_run_is_loaded_with_its_weights(solved: Run) -> None:
    again = Run(solved.path)
    assert again.evaluate() == solved.evaluate()
    for name, weight in solved.predictor.network.state_dict().items():
        assert torch.equal(again.predictor.network.state_dict()[name], weight)


def test_a_solved_run_that_is_resumed_stops_at_once(solved: Run) -> None:
    before = records(solved)
    resume(solved.path)
    assert records(solved) == before


def test_resumed_is_uninterrupted(tmp_path: Path) -> None:
    settings = {"problem": "adding", "cell": "lstm", "max_steps": 60, "checkpoint_every": 25}
    whole = made(tmp_path / "whole", **settings)
    cut = made(tmp_path / "cut", **settings)
    (cut.path / "checkpoints" / "step-00000060.safetensors").unlink()
    assert reopen(cut.path)[1] == cut.path / "checkpoints" / "step-00000050.safetensors"
    resumed = resume(cut.path)
    assert records(resumed) == records(whole)
    for name, weight in whole.predictor.network.state_dict().items():
        assert torch.equal(resumed.predictor.network.state_dict()[name], weight)


@pytest.mark.parametrize("problem", PROBLEMS)
def test_an_untrained_network_does_no_better_than_guessing(tmp_path: Path, problem: str) -> None:
    run = made(tmp_path / "run", problem=problem, max_steps=1, eval_every=1, learning_rate=1e-9)
    measured, guess = run.evaluate()
    assert measured.metric == guess.metric == PROBLEMS[problem].metric
    if PROBLEMS[problem].counts_up:
        assert measured.value < guess.value + 0.1
    else:
        assert measured.value > guess.value - 0.02


def test_early_stop_off_uses_the_whole_budget(tmp_path: Path) -> None:
    run = made(tmp_path / "run", cell="gru", early_stop=False)
    assert records(run)[-1]["step"] == SMALL["max_steps"]


def test_evaluation_data_are_fresh_and_the_test_is_the_same_for_every_seed() -> None:
    problem = PROBLEMS["recall"]
    first, second = (MemoryTask.Config(seed=seed, lag=12) for seed in (1, 2))
    drawn = held_out(problem, first, "valid")[0].inputs
    assert not torch.equal(drawn, held_out(problem, second, "valid")[0].inputs)
    assert not torch.equal(drawn[:, :16], next(MemoryTask(first, problem).source()).inputs)
    tests = [held_out(problem, config, "test") for config in (first, second)]
    for one, other in zip(*tests, strict=True):
        assert torch.equal(one.inputs, other.inputs)


def test_long_sequences_are_evaluated_in_parts() -> None:
    batches = held_out(PROBLEMS["recall"], MemoryTask.Config(lag=3000), "valid")
    sizes = [batch.batch_size for batch in batches]
    assert sum(sizes) == 500
    assert max(sizes) == 50_000 // 3001
    assert not torch.equal(*[batch.inputs for batch in batches[:2]])


def test_what_cannot_be_is_one_line(tmp_path: Path, solved: Run) -> None:
    with pytest.raises(InputError, match="lag 9: temporal-order needs a lag of at least 10"):
        made(tmp_path / "run", problem="temporal-order", lag=9)
    with pytest.raises(InputError, match="--cell rnm: no such cell"):
        made(tmp_path / "run", cell="rnm")
    with pytest.raises(InputError, match=r"book.txt: the task memory draws its own data"):
        train("memory", tmp_path / "book.txt", tmp_path / "run", **SMALL)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InputError, match="draws its own data"):
        solved.evaluate(["some", "texts"])
    with pytest.raises(InputError, match=r"--beam: a memory has no such setting"):
        solved.predictor.predict(beam=3)
