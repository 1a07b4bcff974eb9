"""The task: what is left in the run directory, what is measured, what every option does."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.data.tokens import open_tokens
from elman.errors import InputError
from elman.models.language_model import LanguageModel
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import Run, begin, fit, task_class
from elman.training.contracts import StepLoss
from tests import tiny


def task_of(run: Run) -> LanguageModelTask:
    assert isinstance(run.task, LanguageModelTask)
    return run.task


def begun(folder: Path, **settings: Any) -> Run:
    config = LanguageModelTask.Config(**tiny.SETTINGS | settings)
    return begin("language-model", tiny.write(folder), folder / "run", config)


def test_the_run_directory_holds_the_whole_text_as_tokens(trained: Run) -> None:
    task = task_of(trained)
    parts = [open_tokens(trained.path / "tokens" / f"{n}.npy") for n in ("train", "valid", "test")]
    assert task.tokenizer.decode(np.concatenate(parts)) == tiny.text()
    sizes = [len(part) for part in parts]
    assert sizes[1] == pytest.approx(0.05 * sum(sizes), abs=2)
    assert sizes[2] == pytest.approx(0.05 * sum(sizes), abs=2)
    assert any("vocabulary" in line for line in task.describe())


def by_hand(model: LanguageModel, tokens: list[int], start: int) -> float:
    state, last, nats = model.initial_state(1), start, 0.0
    with torch.inference_mode():
        for token in tokens:
            log_probs, state = model.step(torch.tensor([last]), state)
            nats, last = nats - float(log_probs[0, token]), token
    return nats


def test_one_row_scores_a_text_as_one_sequence(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, eval_rows=1)
    task = task_of(run)
    test = task.split("test")
    assert isinstance(run.model, LanguageModel)
    nats = by_hand(run.model, [int(t) for t in test.tokens], task.tokenizer.start_id)
    measured = task.measure(run.model, test)
    assert measured.nats == pytest.approx(nats, rel=1e-5)
    assert measured.tokens == measured.characters == len(test.tokens)


def test_rows_that_end_unevenly_count_each_token_once(tmp_path: Path) -> None:
    task = task_of(begun(tmp_path, eval_rows=3))
    model, split = task.build_model().eval(), task.split("test").cut(104)
    ids = [int(token) for token in split.tokens]
    begins = [task.tokenizer.start_id, ids[34], ids[69]]
    rows = [ids[:35], ids[35:70], ids[70:]]
    nats = sum(by_hand(model, row, begin) for row, begin in zip(rows, begins, strict=True))
    assert task.measure(model, split).nats == pytest.approx(nats, rel=1e-5)


def test_the_mode_of_the_model_is_left_alone_by_measuring(trained: Run) -> None:
    task = task_of(trained)
    dropped = [task.measure(trained.model.train(), task.split("test")).nats for _ in range(2)]
    assert trained.model.training
    assert dropped[0] == dropped[1] == task.measure(trained.model.eval(), task.split("test")).nats


def test_training_learns_more_than_the_frequencies(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=150, eval_every=50, learning_rate=0.02, hidden_size=24)
    scores = {(s.split, s.metric): s.value for s in run.evaluate()}
    tokens = task_of(run).split("train").tokens
    share = np.bincount(tokens) / len(tokens)
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
    assert scores["test", "loss"] < 0.75 * entropy
    assert scores["test", "perplexity"] == pytest.approx(math.exp(scores["test", "loss"]))


def test_files_of_ones_own_are_measured_by_name(trained: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("the cat sat\n" * 9, encoding="utf-8")
    first, *_ = trained.evaluate([other, tiny.write(tmp_path)])
    assert first.split == "other.txt"
    assert first.value < math.log(task_of(trained).tokenizer.vocab_size)


@pytest.mark.parametrize(
    "settings",
    [
        {"unit": "bpe", "vocab_size": 280},
        {"unit": "word", "min_count": 2},
        {"unit": "bpe", "vocab_size": 300, "readout": "adaptive", "hidden_size": 16},
        {"unit": "word", "readout": "sampled", "tied": True},
        {"cell": "gru", "num_layers": 2, "tied": True},
        {"cell": "rnn-relu", "init": "identity"},
        {"layer_norm": True, "zoneout": 0.1, "weight_dropout": 0.1, "recurrent_dropout": 0.1},
        {"learn_initial_state": True, "forget_bias": 1.0, "init": "orthogonal"},
        {"embedding_dropout": 0.1, "activation_penalty": 2.0, "slowness_penalty": 1.0},
        {"window": 32, "random_truncation": True, "init_range": 0.1},
        {"accumulate": 2, "optimizer": "sgd", "average": "asgd", "schedule": "plateau"},
        {"precision": "bfloat16"},
    ],
    ids=lambda settings: "-".join(settings),
)
def test_every_option_trains(tmp_path: Path, settings: dict[str, Any]) -> None:
    run, outcome = fit(begun(tmp_path, max_steps=3, eval_every=3, **settings))
    assert outcome.step == 3
    assert all(math.isfinite(score.value) for score in run.evaluate())


def test_dropout_is_the_default_of_the_three_and_not_of_the_fourth(tmp_path: Path) -> None:
    model = begun(tmp_path, dropout=0.3, input_dropout=0.2).model
    assert isinstance(model, LanguageModel)
    rates = [model.input_dropout.p, model.layers.dropout.p, model.output_dropout.p]
    assert rates == [0.2, 0.3, 0.3]
    assert model.embedding_dropout == 0


def test_penalties_are_in_the_training_loss_only(tmp_path: Path) -> None:
    def first_loss(folder: Path, **settings: Any) -> StepLoss:
        folder.mkdir()
        run = begun(folder, dropout=0.0, **settings)
        assert isinstance(run.model, LanguageModel)
        batch = next(run.task.source())
        return run.task.objective(run.model).loss(batch, run.model.initial_state(4))

    plain = first_loss(tmp_path / "plain").loss
    penalized = first_loss(tmp_path / "penalized", activation_penalty=2.0).loss
    assert float(penalized.detach()) > float(plain.detach())


def test_of_a_large_held_out_text_only_the_beginning_is_scored(tmp_path: Path) -> None:
    task = task_of(begun(tmp_path, eval_tokens=100))
    whole, cut = task.split("valid"), task.held_out("valid")
    assert len(whole.tokens) > 200
    assert (len(cut.tokens), cut.counts.tokens, cut.counts.characters) == (100, 100, 100)
    assert cut.tokens.tolist() == whole.tokens[:100].tolist()
    model = task.build_model()
    assert task.evaluate(model).scores[:3] == task.measure(model, cut).scores("valid")


def test_without_a_test_text_there_is_no_test_score(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, test_fraction=0.0, max_steps=1)
    assert {score.split for score in run.evaluate()} == {"valid"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"batch_size": 100_000}, "batch size"),
        ({"cell": "lstn"}, "no such cell"),
        ({"cell": "gru", "forget_bias": 1.0, "layer_norm": True, "init": "identity"}, "--cell gru"),
        ({"device": "gpu"}, "gpu"),
        ({"device": "cuda:7"}, "cuda:7"),
        ({"unit": "bpe", "vocab_size": 3}, "vocab"),
    ],
)
def test_what_cannot_be_trained_leaves_nothing_behind(
    tmp_path: Path, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        begun(tmp_path, **settings)
    assert [path.name for path in tmp_path.iterdir() if path.name != "text.txt"] == []


def test_an_empty_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError):
        begun(tmp_path, batch_size=100_000)
    assert list((tmp_path / "run").iterdir()) == []


def test_the_task_is_found_by_its_name() -> None:
    assert task_class("language-model") is LanguageModelTask
    with pytest.raises(InputError, match="no such task; choose from language-model"):
        task_class("language")
