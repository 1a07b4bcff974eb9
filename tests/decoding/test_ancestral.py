"""Outputs that are drawn."""

from __future__ import annotations

from collections import Counter

import pytest
import torch

from elman.decoding.ancestral import ancestral_sampling
from elman.decoding.beam import Beam, beam_search
from elman.decoding.encoder_decoder import Constraints, score_outputs
from elman.errors import InputError
from tests.decoding.writers import END, START, Toy, sources

CONSTRAINTS = Constraints(START, END, max_length=12, max_ratio=None)


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_temperature_zero_is_greedy() -> None:
    model, texts = Toy(9), sources(40)
    drawn = ancestral_sampling(model, texts, CONSTRAINTS, temperature=0, batch_size=7)
    greedy = beam_search(model, texts, CONSTRAINTS, Beam(1))
    assert [output.tokens for output in drawn] == [best.tokens for (best,) in greedy]
    for output, (best,) in zip(drawn, greedy, strict=True):
        assert output.log_prob == pytest.approx(best.log_prob, rel=1e-10)
        assert output.score == pytest.approx(best.score, rel=1e-10)


def test_a_seed_makes_a_draw_again() -> None:
    model, texts = Toy(9), sources(20)
    first = ancestral_sampling(model, texts, CONSTRAINTS, generator=seeded(1))
    assert first == ancestral_sampling(model, texts, CONSTRAINTS, generator=seeded(1))
    assert first != ancestral_sampling(model, texts, CONSTRAINTS, generator=seeded(2))


def test_outputs_come_as_often_as_they_are_probable() -> None:
    model, source = Toy(5), [7, 8]
    constraints = Constraints(START, END, max_length=2, max_ratio=None)
    every = beam_search(model, [source], constraints, Beam(100, 100))[0]
    # What stands at the limit ends for certain, and what must not come leaves its share to others.
    draws = 4000
    counts = Counter(
        o.tokens
        for o in ancestral_sampling(model, [source] * draws, constraints, generator=seeded())
    )
    memory, state = model.start(torch.tensor([source]).T, torch.tensor([2]))
    logits, _, _ = model.step(torch.tensor([START]), state, memory)
    logits[:, START] = -torch.inf
    first = logits.softmax(-1)[0]
    assert set(counts) <= {output.tokens for output in every}
    assert abs(counts[()] / draws - float(first[END])) < 0.03
    for token in (2, 3, 4):
        share = sum(n for tokens, n in counts.items() if tokens[:1] == (token,)) / draws
        assert abs(share - float(first[token])) < 0.03


def test_log_probabilities_are_those_of_the_model() -> None:
    model, texts = Toy(9), sources(20)
    drawn = ancestral_sampling(
        model, texts, CONSTRAINTS, temperature=2.0, top_k=4, top_p=0.9, generator=seeded()
    )
    again = score_outputs(model, texts, [o.tokens for o in drawn], start_id=START, end_id=END)
    for output, scored in zip(drawn, again, strict=True):
        assert scored.log_prob == pytest.approx(output.log_prob, rel=1e-10)


def test_rules_and_options_are_kept_to() -> None:
    constraints = Constraints(START, END, never=(3,), max_ratio=1.0, min_length=1, no_repeat=1)
    texts = sources(40)
    for source, output in zip(
        texts, ancestral_sampling(Toy(9), texts, constraints, generator=seeded()), strict=True
    ):
        assert 1 <= len(output.tokens) <= len(source)
        assert len(set(output.tokens)) == len(output.tokens)
        assert 3 not in output.tokens
    with pytest.raises(InputError, match="temperature"):
        ancestral_sampling(Toy(), [[2]], CONSTRAINTS, temperature=-1)
    assert ancestral_sampling(Toy(), [], CONSTRAINTS) == []
