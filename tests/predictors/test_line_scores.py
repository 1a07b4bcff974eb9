import math
from collections.abc import Iterator
from queue import Queue

import pytest
import torch

from elman.data.given import Texts
from elman.data.tokenizer import Tokenizer
from elman.models.language_model import LanguageModel
from elman.predictors.language_model import LENGTH, LanguageModelPredictor, score_lines
from elman.settings import Options
from elman.tasks.runs import Run


def parts(run: Run) -> tuple[LanguageModel, Tokenizer]:
    assert isinstance(run.predictor, LanguageModelPredictor)
    return run.predictor.model, run.predictor.tokenizer


def by_hand(model: LanguageModel, tokenizer: Tokenizer, line: str) -> float:
    """The nats of a line and its newline, a token at a time."""
    state, last, nats = model.initial_state(1), tokenizer.start_id, 0.0
    with torch.inference_mode():
        for token in tokenizer.encode(line + "\n"):
            log_probs, state = model.step(torch.tensor([last]), state)
            nats, last = nats - float(log_probs[0, token]), int(token)
    return nats


def test_a_line_costs_what_its_tokens_cost(trained: Run) -> None:
    model, tokenizer = parts(trained)
    lines = ["the cat sat", "", "the cat " * 40, "xé"]
    assert len(lines[2]) > LENGTH
    for line, score in zip(lines, score_lines(model, tokenizer, lines), strict=True):
        nats = by_hand(model, tokenizer, line)
        assert score.text == line
        assert score.nats == pytest.approx(nats, rel=1e-5)
        assert score.nats_per_token == pytest.approx(nats / (len(line) + 1), rel=1e-5)
        # An unknown character is one of the code points that are not in the vocabulary.
        unknown = sum(token == 0 for token in tokenizer.encode(line))
        spelled = nats + unknown * math.log(0x110000 - tokenizer.vocab_size + 1)
        assert score.bits_per_character == pytest.approx(
            spelled / math.log(2) / (len(line) + 1), rel=1e-5
        )
    assert score.unknown == 2


def test_alone_and_among_others_a_line_costs_the_same(trained: Run) -> None:
    model, tokenizer = parts(trained)
    lines = ["the cat " * (n % 9 * n) for n in range(70)]
    assert max(map(len, lines)) > LENGTH
    together = [score.nats for score in score_lines(model, tokenizer, lines)]
    alone = [next(score_lines(model, tokenizer, [line])).nats for line in lines]
    assert together == pytest.approx(alone, rel=1e-4)


def test_lines_are_answered_before_the_text_has_ended(trained: Run) -> None:
    def endless() -> Iterator[str]:
        while True:
            yield "the cat"

    scores = score_lines(*parts(trained), endless())
    assert [next(scores).line for _ in range(70)] == list(range(1, 71))


def test_a_line_that_arrives_is_answered_before_the_next_is_there(trained: Run) -> None:
    arrived: Queue[str | None] = Queue()
    lines = iter(lambda: arrived.get(timeout=10), None)
    answers = trained.predictor.answers(Texts(lines, arriving=True), Options())
    for line in ("the cat", "sat"):
        arrived.put(line)
        assert next(answers).text == line
    arrived.put(None)
    assert list(answers) == []
