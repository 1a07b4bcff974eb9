from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.errors import InputError
from elman.layers.state import State
from elman.models.language_model import LanguageModel
from elman.tasks.language_model.task import LanguageModelTask
from elman.tasks.runs import Run
from tests import tiny


def read(run: Run, *args: Any, **options: Any) -> list[str]:
    return run.generate(*args, **options).read()


def test_the_same_seed_writes_the_same_text(trained: Run) -> None:
    first = read(trained, "the ", 60, seed=3, samples=3)
    assert first == read(trained, "the ", 60, seed=3, samples=3)
    assert first != read(trained, "the ", 60, seed=4, samples=3)
    assert [len(text) for text in first] == [60] * 3
    assert len(set(first)) == 3


def test_greedy_text_is_what_the_model_says_is_most_probable(trained: Run) -> None:
    assert isinstance(trained.model, LanguageModel)
    assert isinstance(trained.task, LanguageModelTask)
    tokenizer, model = trained.task.tokenizer, trained.model
    ids = [tokenizer.start_id, *tokenizer.encode("the d")]
    for _ in range(12):
        with torch.inference_mode():
            features, _ = model(torch.tensor(ids)[:, None], model.initial_state(1))
            ids.append(int(model.log_probs(features)[-1, 0].argmax()))
    assert read(trained, "the d", 12, temperature=0) == [tokenizer.decode(ids[-12:])]


@pytest.mark.parametrize("samples", [1, 3])
def test_what_goes_on_from_a_state_is_what_was_never_stopped(
    trained: Run, tmp_path: Path, samples: int
) -> None:
    whole = read(trained, "the ", 40, seed=5, samples=samples)
    first = trained.generate("the ", 15, seed=5, samples=samples)
    before = first.read()
    first.state.save(tmp_path / "state")
    after = read(trained, "", 25, state=State.load(tmp_path / "state"))
    assert [a + b for a, b in zip(before, after, strict=True)] == whole


def test_a_state_can_be_taken_at_any_token(trained: Run) -> None:
    writing = trained.generate("the ", 40, seed=5)
    before = "".join(piece for [piece] in islice(writing, 7))
    assert before + read(trained, "", 33, state=writing.state)[0] == before + writing.read()[0]


def test_a_prompt_after_a_state_is_read_on_from_it(trained: Run) -> None:
    first = trained.generate("the cat", 1, temperature=0)
    drawn = first.read()[0]
    going_on = read(trained, "sat on", 20, temperature=0, state=first.state)
    assert going_on == read(trained, f"the cat{drawn}sat on", 20, temperature=0)


def test_a_seed_beats_the_random_numbers_of_a_state(trained: Run) -> None:
    first = trained.generate("the ", 5, seed=1)
    first.read()
    texts = {read(trained, "", 30, seed=seed, state=first.state)[0] for seed in (1, 2, 3)}
    assert len(texts) == 3


def test_unknown_characters_are_named_and_replaced(trained: Run) -> None:
    writing = trained.generate("thé ☃", 3, seed=0)
    assert writing.unknown == ["é", "☃"]
    assert writing.prompt == "th\ufffd \ufffd"
    assert len(writing.read()[0]) == 3


@pytest.mark.parametrize("unit", ["bpe", "word"])
def test_pieces_and_words_are_spelled_as_they_come(tmp_path: Path, unit: str) -> None:
    run = tiny.run(tmp_path, unit=unit, vocab_size=270 if unit == "bpe" else None, max_steps=2)
    assert isinstance(run.task, LanguageModelTask)
    whole = run.generate("the cat", 30, seed=2)
    text = whole.read()[0]
    tokenizer = run.task.tokenizer
    drawn = run.generate("the cat", 30, seed=2)
    ids = [int(i) for ids in drawn._ids for i in ids]
    prompt = [int(i) for i in tokenizer.encode("the cat")]
    assert tokenizer.decode(prompt) + text == tokenizer.decode(prompt + ids)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"length": 0}, "length must"),
        ({"samples": 0}, "samples must"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_k": 0}, "top_k"),
        ({"top_p": 0.0}, "top_p"),
    ],
)
def test_options_out_of_range(trained: Run, options: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        trained.generate("the ", **options)


def test_a_state_that_does_not_fit(trained: Run, tmp_path: Path) -> None:
    writing = trained.generate("the ", 2, seed=0, samples=2)
    writing.read()
    with pytest.raises(InputError, match="batch"):
        trained.generate("", 2, samples=3, state=writing.state)
    with pytest.raises(InputError, match="not what generation leaves"):
        trained.generate("", 2, state=State(h=torch.zeros(1, 2)))
    other = tiny.run(tmp_path, hidden_size=5, max_steps=1)
    with pytest.raises(InputError, match="another model"):
        other.generate("", 2, state=writing.state)
