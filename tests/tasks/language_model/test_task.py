"""The task: what is left in the run directory, what is measured, what every option does."""

import math
import random
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import torch

from elman.data.tokens import open_tokens
from elman.errors import InputError
from elman.evaluation.perplexity import Measurement, Split
from elman.models.language_model import LanguageModel
from elman.predictors.language_model import LanguageModelPredictor
from elman.tasks.language_model.objective import measured_loss
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import Run, begin, fit, task_class, train
from elman.training.contracts import StepLoss
from tests import tiny


def task_of(run: Run) -> LanguageModelTask:
    assert isinstance(run.task, LanguageModelTask)
    return run.task


def model_of(run: Run) -> LanguageModel:
    assert isinstance(run.predictor, LanguageModelPredictor)
    return run.predictor.model


def measured(run: Run, split: Split) -> Measurement:
    assert isinstance(run.predictor, LanguageModelPredictor)
    return measured_loss(run.predictor, task_of(run).config, split)


def begun(folder: Path, **settings: Any) -> Run:
    config = LanguageModelTask.Config(**tiny.SETTINGS | settings)
    return begin("language-model", tiny.write(folder), folder / "run", config)


def test_the_run_directory_holds_the_whole_text_as_tokens(trained: Run) -> None:
    task = task_of(trained)
    parts = [open_tokens(trained.path / "data" / f"{n}.npy") for n in ("train", "valid", "test")]
    assert task.data.tokenizer.decode(np.concatenate(parts)) == tiny.text()
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
    test = task.data.splits["test"]
    nats = by_hand(model_of(run), [int(t) for t in test.tokens], task.data.tokenizer.start_id)
    found = measured(run, test)
    assert found.nats == pytest.approx(nats, rel=1e-5)
    assert found.tokens == found.characters == len(test.tokens)


def test_rows_that_end_unevenly_count_each_token_once(tmp_path: Path) -> None:
    run = begun(tmp_path, eval_rows=3)
    task = task_of(run)
    model, split = model_of(run).eval(), task.data.splits["test"].cut(104)
    ids = [int(token) for token in split.tokens]
    begins = [task.data.tokenizer.start_id, ids[34], ids[69]]
    rows = [ids[:35], ids[35:70], ids[70:]]
    nats = sum(by_hand(model, row, begin) for row, begin in zip(rows, begins, strict=True))
    assert measured(run, split).nats == pytest.approx(nats, rel=1e-5)


def test_the_mode_of_the_model_is_left_alone_by_measuring(trained: Run) -> None:
    test, model = task_of(trained).data.splits["test"], model_of(trained).train()
    dropped = [measured(trained, test).nats for _ in range(2)]
    assert model.training
    model.eval()
    assert dropped[0] == dropped[1] == measured(trained, test).nats


def test_training_learns_more_than_the_frequencies(tmp_path: Path) -> None:
    run = tiny.run(tmp_path, max_steps=150, eval_every=50, learning_rate=0.02, hidden_size=24)
    scores = {(s.split, s.metric): s.value for s in run.evaluate()}
    tokens = task_of(run).data.splits["train"].tokens
    share = np.bincount(tokens) / len(tokens)
    entropy = -(share[share > 0] * np.log(share[share > 0])).sum()
    assert scores["test", "loss"] < 0.75 * entropy
    assert scores["test", "perplexity"] == pytest.approx(math.exp(scores["test", "loss"]))


def test_files_of_ones_own_are_measured_by_name(trained: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text("the cat sat\n" * 9, encoding="utf-8")
    scores = trained.evaluate([other, tiny.write(tmp_path)])
    first = scores[0]
    assert [score.split for score in scores[::3]] == ["other.txt", "text.txt"]
    assert first.value < math.log(task_of(trained).data.tokenizer.vocab_size)


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
    model = model_of(begun(tmp_path, dropout=0.3, input_dropout=0.2))
    rates = [model.input_dropout.p, model.layers.dropout.p, model.output_dropout.p]
    assert rates == [0.2, 0.3, 0.3]
    assert model.embedding_dropout == 0


def test_penalties_are_in_the_training_loss_only(tmp_path: Path) -> None:
    def first_loss(folder: Path, **settings: Any) -> StepLoss:
        folder.mkdir()
        run = begun(folder, dropout=0.0, **settings)
        batch = next(run.task.source())
        state = model_of(run).initial_state(4)
        return run.task.objective(run.predictor).loss(batch, state)

    plain = first_loss(tmp_path / "plain").loss
    penalized = first_loss(tmp_path / "penalized", activation_penalty=2.0).loss
    assert float(penalized.detach()) > float(plain.detach())


def test_of_a_large_held_out_text_only_the_beginning_is_scored(tmp_path: Path) -> None:
    run = begun(tmp_path, eval_tokens=100)
    whole = task_of(run).data.splits["valid"]
    cut = whole.cut(100)
    assert len(whole.tokens) > 200
    assert (len(cut.tokens), cut.counts.tokens, cut.counts.characters) == (100, 100, 100)
    assert cut.tokens.tolist() == whole.tokens[:100].tolist()
    assert run.evaluate()[:3] == measured(run, cut).scores("valid")


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


def test_texts_are_trained_on_as_files_are(tmp_path: Path) -> None:
    lines = tiny.text().splitlines()
    run = tiny.run(tmp_path, max_steps=2)
    of_lines = train(
        "language-model", lines, tmp_path / "lines", **tiny.SETTINGS | {"max_steps": 2}
    )
    assert of_lines.predictor.fingerprint == run.predictor.fingerprint
    assert of_lines.evaluate() == run.evaluate()
    table = {"n": range(len(lines)), "text": lines}
    for data in (tmp_path / "text.txt", lines, tiny.text(), table, pd.DataFrame(table)):
        assert [s.value for s in run.evaluate(data)] == [s.value for s in run.evaluate(lines)]
    assert run.evaluate(lines)[0].split == "data"
    assert [*run.predictor.predict(table)] == [*run.predictor.predict(lines)]


def test_held_out_texts_of_ones_own(tmp_path: Path) -> None:
    lines = tiny.text().splitlines()
    settings = tiny.SETTINGS | {"max_steps": 1}

    def sizes(name: str, **parts: Any) -> dict[str, int]:
        run = train("language-model", lines[:200], tmp_path / name, **settings, **parts)
        return {key: split.counts.characters for key, split in task_of(run).data.splits.items()}

    whole = sum(len(line) + 1 for line in lines[:200])
    assert sizes("both", valid=lines[200:210], test=lines[210:]) == {
        "train": whole,
        "valid": sum(len(line) + 1 for line in lines[200:210]),
        "test": sum(len(line) + 1 for line in lines[210:]),
    }
    (tmp_path / "valid.txt").write_text("the cat sat\n" * 9, encoding="utf-8")
    assert sizes("valid", valid=tmp_path / "valid.txt") == {"train": whole, "valid": 108}
    cut = sizes("test", test=lines[210:])
    assert cut["train"] + cut["valid"] == whole
    assert cut["valid"] == pytest.approx(0.05 * whole, abs=1)
    assert cut["test"] == sum(len(line) + 1 for line in lines[210:])


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("a b", "data: too short"),
        (["the cat \ud800 sat"] * 9, "data: not Unicode at character 8"),
        ([("a", "b")], "give files of text, or strings"),
        ({"a": [1, 2]}, "data:1: expected text, got 1; correct the row"),
        ({"a": ["x"], "b": ["y"]}, r"data: which column holds the texts .* is not clear"),
        (None, "give a file, a folder or strings"),
    ],
)
def test_what_is_no_text_is_one_line(tmp_path: Path, data: Any, message: str) -> None:
    with pytest.raises(InputError, match=f"^{message}|{message}$") as error:
        train("language-model", data, tmp_path / "run", **tiny.SETTINGS)
    assert "\n" not in str(error.value)
    assert str(tmp_path) not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_that_was_there_stays(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError):
        begun(tmp_path, batch_size=100_000)
    assert list((tmp_path / "run").iterdir()) == []


def test_the_task_is_found_by_its_name() -> None:
    assert task_class("language-model") is LanguageModelTask
    with pytest.raises(InputError, match="no such task; choose from language-model"):
        task_class("language")


def random_words(count: int, letters: str, length: int) -> str:
    """Words of letters drawn evenly, ten a line."""
    draw = random.Random(0)
    words = ["".join(draw.choices(letters, k=length)) for _ in range(count)]
    lines = [" ".join(words[start : start + 10]) for start in range(0, count, 10)]
    return "".join(f"{line}\n" for line in lines)


@pytest.mark.fault(37)
@pytest.mark.parametrize(
    ("letters", "settings"),
    [
        ("abcdefghij", {"vocab_size": 20}),
        ("abcdefghijklmnopqrstuvwxyz", {"min_count": 2}),
        ("ab", {"vocab_size": 200}),
        ("abcdefghij", {"unit": "char", "vocab_size": 5}),
    ],
)
def test_random_words_cost_about_their_entropy_or_more(
    tmp_path: Path, letters: str, settings: dict[str, Any]
) -> None:
    text = tmp_path / "random.txt"
    text.write_text(random_words(2000, letters, 10), encoding="utf-8")
    settings = {"unit": "word", "hidden_size": 8, "max_steps": 60, "eval_every": 60} | settings
    run = train("language-model", text, tmp_path / "run", learning_rate=0.02, **settings)
    report = run.report()
    scores = {(score.split, score.metric): score for score in report.scores}
    entropy = 10 * math.log2(len(letters)) / 11  # and nothing for the spaces
    assert entropy <= scores["test", "bits"].value
    assert scores["test", "unknown"].value > 0.3
    assert "bits per character include their spelling" in report.verdict[0]
    assert "% unknown" in run.task.describe()[0]
    (line,) = run.predictor.predict([random_words(10, letters, 10).strip()])
    assert line.bits_per_character >= entropy


@pytest.mark.fault(37)
def test_the_more_words_are_unknown_the_more_is_spelled(tmp_path: Path) -> None:
    """Nothing is won by a small vocabulary, as it was when unknown words cost no spelling."""
    text = tmp_path / "text.txt"
    text.write_text(random_words(2000, "abcdefgh", 3), encoding="utf-8")
    settings = {"unit": "word", "hidden_size": 16, "max_steps": 150, "eval_every": 150}
    bits = []
    for size in (3, 600):
        name = tmp_path / str(size)
        run = train("language-model", text, name, vocab_size=size, learning_rate=0.02, **settings)
        bits.append({(s.split, s.metric): s.value for s in run.evaluate()}["test", "bits"])
    assert bits[0] > bits[1] - 0.2
    assert min(bits) > 3 * 3 / 4


@pytest.mark.fault(40)
def test_punctuation_is_apart_from_words_and_written_as_it_was(tmp_path: Path) -> None:
    text = tmp_path / "text.txt"
    text.write_text('Well, (he said) "no"; don\'t!\nWell-known, no?\n' * 60, encoding="utf-8")
    settings = {"unit": "word", "hidden_size": 24, "max_steps": 150, "eval_every": 150}
    run = train("language-model", text, tmp_path / "run", learning_rate=0.02, **settings)
    written = run.predictor.generate("Well", 12, temperature=0).read()
    assert written[0] in text.read_text(encoding="utf-8")
    session = run.predictor.session()
    read = [token for letter in "Well, (he" for token in session.push(letter)]
    read += session.flush()
    assert [token.text for token in read] == ["Well", ",", "(", "he"]
    plain = train("language-model", text, tmp_path / "plain", split_punctuation=False, **settings)
    assert plain.predictor.tokenizer.unknown("Well, Well") == ["Well"]
