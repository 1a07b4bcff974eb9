"""Beam search equals what can be computed without it."""

from __future__ import annotations

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from elman.decoding.beam import Beam, beam_search
from elman.decoding.encoder_decoder import (
    TOKENS_AT_ONCE,
    Constraints,
    Hypothesis,
    score_outputs,
    source_batches,
)
from elman.errors import InputError, RunFailed
from elman.layers.state import State
from tests.decoding.writers import END, START, Toy, sources

CONSTRAINTS = Constraints(START, END, max_length=12, max_ratio=None)


def every_output(
    model: Toy, source: list[int], constraints: Constraints, beam: Beam
) -> list[Hypothesis]:
    """All outputs there can be, the best first, each scored by a walk of its own."""
    ids = [i for i in range(model.vocab_size) if i not in (START, END, *constraints.never)]
    found = []
    for length in range(constraints.min_length, constraints.max_length + 1):
        for tokens in product(ids, repeat=length):
            memory, state = model.start(torch.tensor(source)[:, None], torch.tensor([len(source)]))
            total, coverage = 0.0, torch.zeros(len(source), dtype=torch.float64)
            for before, token in zip((START, *tokens), (*tokens, END), strict=True):
                logits, state, attention = model.step(torch.tensor([before]), state, memory)
                total += float(logits.log_softmax(-1)[0, token])
                assert attention is not None
                coverage += attention[0]
            penalty = (length + 1) if beam.length_formula == "mean" else (6 + length) / 6
            covered = sum(math.log(min(float(c), 1.0)) for c in coverage)
            score = total / penalty**beam.length_penalty + beam.coverage_penalty * covered
            found.append(Hypothesis(tokens, total, score))
    return sorted(found, key=lambda output: -output.score)


def same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [output.tokens for output in found] == [output.tokens for output in expected]
    for one, other in zip(found, expected, strict=True):
        assert one.log_prob == pytest.approx(other.log_prob, rel=1e-10)
        assert one.score == pytest.approx(other.score, rel=1e-10)


@pytest.mark.parametrize(
    "beam",
    [
        Beam(600, 20, length_penalty=0),
        Beam(600, 20, length_penalty=1.0),
        Beam(600, 20, length_penalty=0.7, length_formula="wu"),
        Beam(600, 20, length_penalty=0.7, length_formula="wu", coverage_penalty=0.4),
    ],
    ids=["log p", "mean", "wu", "coverage"],
)
@pytest.mark.parametrize("vocab_size", [4, 5])
def test_a_beam_as_wide_as_all_outputs_is_an_exhaustive_search(vocab_size: int, beam: Beam) -> None:
    model, texts = Toy(vocab_size), sources(2)
    constraints = Constraints(START, END, max_length=4, max_ratio=None)
    for source, found in zip(texts, beam_search(model, texts, constraints, beam), strict=True):
        same(found, every_output(model, source, constraints, beam)[:20])


def test_a_beam_of_the_vocabulary_is_exhaustive_over_one_token_and_its_end() -> None:
    model, texts = Toy(40), sources(5)
    constraints, beam = Constraints(START, END, max_length=1, max_ratio=None), Beam(40, 39)
    for source, found in zip(texts, beam_search(model, texts, constraints, beam), strict=True):
        same(found, every_output(model, source, constraints, beam))


@pytest.mark.parametrize("n_best", [1, 3])
def test_a_wider_beam_finds_nothing_worse_at_the_end(n_best: int) -> None:
    model, texts = Toy(4), sources(20)
    constraints = Constraints(START, END, max_length=4, max_ratio=None)
    best = beam_search(model, texts, constraints, Beam(600, n_best))
    for width in (n_best, 5, 20):
        for found, top in zip(
            beam_search(model, texts, constraints, Beam(width, n_best)), best, strict=True
        ):
            assert found[0].score <= top[0].score + 1e-12


@pytest.mark.parametrize(
    "beam",
    [Beam(1), Beam(3, 2), Beam(5, 5, coverage_penalty=0.3), Beam(4, length_penalty=0)],
    ids=str,
)
@pytest.mark.parametrize(
    "constraints", [CONSTRAINTS, Constraints(START, END, max_ratio=2.0, no_repeat=2)], ids=str
)
def test_batched_equals_one_by_one(beam: Beam, constraints: Constraints) -> None:
    model, texts = Toy(9), sources(30)
    together = beam_search(model, texts, constraints, beam, batch_size=13)
    for source, found in zip(texts, together, strict=True):
        same(found, beam_search(model, [source], constraints, beam)[0])


def greedy(model: Toy, source: list[int], most: int) -> tuple[int, ...]:
    memory, state = model.start(torch.tensor(source)[:, None], torch.tensor([len(source)]))
    tokens = [START]
    while tokens[-1] != END:
        logits, state, _ = model.step(torch.tensor(tokens[-1:]), state, memory)
        logits[:, START] = -torch.inf
        tokens.append(END if len(tokens) > most else int(logits.argmax()))
    return tuple(tokens[1:-1])


def test_a_beam_of_one_is_greedy() -> None:
    model, texts = Toy(9), sources(40)
    found = beam_search(model, texts, CONSTRAINTS, Beam(1))
    assert [best.tokens for (best,) in found] == [greedy(model, text, 12) for text in texts]
    assert {len(best.tokens) for (best,) in found} > {0, 12}


def test_log_probabilities_are_those_of_the_model() -> None:
    model, texts = Toy(9), sources(20)
    found = beam_search(model, texts, CONSTRAINTS, Beam(4, 4))
    pairs = [
        (source, output) for source, outputs in zip(texts, found, strict=True) for output in outputs
    ]
    again = score_outputs(
        model, [s for s, _ in pairs], [o.tokens for _, o in pairs], start_id=START, end_id=END
    )
    for (_, output), scored in zip(pairs, again, strict=True):
        assert scored.log_prob == pytest.approx(output.log_prob, rel=1e-10)


def test_outputs_of_a_source_differ_and_come_in_order() -> None:
    for found in beam_search(Toy(9), sources(20), CONSTRAINTS, Beam(6, 6)):
        assert len({output.tokens for output in found}) == len(found) > 1
        assert [o.score for o in found] == sorted((o.score for o in found), reverse=True)


def test_lengths_are_kept_to() -> None:
    texts = sources(30)
    constraints = Constraints(START, END, max_length=7, max_ratio=1.5, min_length=2)
    for source, found in zip(
        texts, beam_search(Toy(9), texts, constraints, Beam(3, 3)), strict=True
    ):
        most = min(7, max(2, math.ceil(1.5 * len(source))))
        assert all(2 <= len(output.tokens) <= most for output in found)


def test_nothing_is_repeated_that_must_not_be() -> None:
    def repeats(tokens: tuple[int, ...], n: int) -> bool:
        grams = [tokens[i : i + n] for i in range(len(tokens) - n + 1)]
        return len(set(grams)) < len(grams)

    model, texts = Toy(5), sources(30)
    for n in (1, 2, 3):
        free = Constraints(START, END, max_length=20, max_ratio=None, min_length=8 if n > 1 else 0)
        strict = Constraints(
            START, END, max_length=20, max_ratio=None, min_length=free.min_length, no_repeat=n
        )
        before = [o.tokens for (o,) in beam_search(model, texts, free, Beam(3))]
        after = [o.tokens for (o,) in beam_search(model, texts, strict, Beam(3))]
        assert any(repeats(tokens, n) for tokens in before)
        assert not any(repeats(tokens, n) for tokens in after)


def test_ids_that_must_not_come_do_not() -> None:
    constraints = Constraints(START, END, never=(3, 4), max_length=8)
    for found in beam_search(Toy(7), sources(20), constraints, Beam(4, 4)):
        assert not {START, END, 3, 4} & {token for output in found for token in output.tokens}


def test_an_output_that_can_only_end_ends_before_its_least_length() -> None:
    constraints = Constraints(START, END, never=(2, 3), min_length=3)
    assert [o.tokens for (o,) in beam_search(Toy(4), sources(3), constraints)] == [()] * 3


def test_a_source_that_has_ended_leaves_the_batch() -> None:
    alone = 0
    texts = sources(12)
    for text in texts:
        model = Toy(9)
        beam_search(model, [text], CONSTRAINTS, Beam(3))
        alone += model.seen
    model = Toy(9)
    beam_search(model, texts, CONSTRAINTS, Beam(3))
    assert model.seen == alone


def test_long_sources_are_read_fewer_at_a_time() -> None:
    long = [[2] * (TOKENS_AT_ONCE // 2)] * 3 + [[3] * (2 * TOKENS_AT_ONCE)] + [[4]] * 5
    groups = list(source_batches(long, 4))
    assert [group.places for group in groups] == [[3], [0, 1], [2, 4], [5, 6, 7, 8]]
    assert [group.sources.shape[0] for group in groups] == [
        2 * TOKENS_AT_ONCE,
        *[TOKENS_AT_ONCE // 2] * 2,
        1,
    ]


def test_no_sources_no_outputs() -> None:
    assert beam_search(Toy(), [], CONSTRAINTS) == []
    with pytest.raises(ValueError, match="source 1 has no tokens"):
        beam_search(Toy(), [[2], []], CONSTRAINTS)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Beam(0), "at least 1 wide"),
        (lambda: Beam(3, 4), "n_best must be from 1 to the beam, which is 3, got 4"),
        (lambda: Beam(length_penalty=-1), "length_penalty must be"),
        (lambda: Beam(coverage_penalty=math.nan), "coverage_penalty must be"),
        (lambda: Beam(length_formula="sqrt"), "length_formula must be"),  # type: ignore[arg-type]
        (lambda: Constraints(0, 1, max_length=0), "max_length must be"),
        (lambda: Constraints(0, 1, max_ratio=0), "max_ratio must be"),
        (
            lambda: Constraints(0, 1, max_length=5, min_length=6),
            "min_length must be from 0 to max_len",
        ),
        (lambda: Constraints(0, 1, no_repeat=-1), "no_repeat must be"),
    ],
)
def test_options_out_of_range(make: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        make()  # type: ignore[operator]


def test_a_model_that_is_not_a_number() -> None:
    model = Toy()
    torch.nn.init.constant_(model.readout.weight, math.nan)
    with pytest.raises(RunFailed, match="not numbers"):
        beam_search(model, sources(2), CONSTRAINTS)


class NoAttention(Toy):
    def step(
        self, tokens: Tensor, state: State, memory: State
    ) -> tuple[Tensor, State, Tensor | None]:
        return (*super().step(tokens, state, memory)[:2], None)


def test_a_model_without_attention() -> None:
    assert beam_search(NoAttention(), sources(3), CONSTRAINTS) == beam_search(
        Toy(), sources(3), CONSTRAINTS
    )
    with pytest.raises(InputError, match="needs a model with attention"):
        beam_search(NoAttention(), sources(3), CONSTRAINTS, Beam(coverage_penalty=0.1))


def test_the_search_leaves_no_trace_in_the_model() -> None:
    model = Toy().train()
    beam_search(model, sources(2), CONSTRAINTS)
    assert model.training
