"""Sampling against enumeration; generation against the model run again."""

from __future__ import annotations

import itertools
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from elman.decoding.sampling import generate, sample, shape_distribution
from elman.errors import InputError, RunFailed
from elman.streaming.stream import Stream
from tests.models.networks import LAYERS, VOCAB, language_model

ROWS = st.lists(
    st.lists(st.integers(0, 5), min_size=5, max_size=5).filter(any), min_size=1, max_size=3
)


def enumerated(weights: list[float], temperature: float, top_k: int | None, top_p: float) -> Tensor:
    """The distribution by its definition: the smallest set that will do, found by trying all."""
    total = sum(weights)
    p = [(w / total) ** (1 / temperature) for w in weights]
    order = sorted(range(len(p)), key=lambda i: (-p[i], i))
    kept = set(order[:top_k])
    mass = sum(p[i] for i in kept)
    for size in range(1, len(kept) + 1):
        # Of all sets of this size the likeliest; of equals the one with the lowest ids.
        best = max(
            itertools.combinations(sorted(kept), size),
            key=lambda some: (sum(p[i] for i in some), [-i for i in some]),
        )
        if sum(p[i] for i in best) / mass >= top_p - 1e-12:
            kept = set(best)
            break
    mass = sum(p[i] for i in kept)
    return torch.tensor(
        [p[i] / mass if i in kept else 0 for i in range(len(p))], dtype=torch.float64
    )


@given(
    ROWS,
    st.sampled_from([0.3, 1.0, 2.0]),
    st.sampled_from([None, 1, 2, 4, 5, 9]),
    st.sampled_from([1.0, 0.97, 0.61, 0.28, 1e-9]),
)
def test_the_distribution_by_enumeration(
    rows: list[list[float]], temperature: float, top_k: int | None, top_p: float
) -> None:
    log_probs = torch.tensor(rows, dtype=torch.float64).log()
    got = shape_distribution(log_probs, temperature=temperature, top_k=top_k, top_p=top_p)
    wanted = torch.stack([enumerated(row, temperature, top_k, top_p) for row in rows])
    torch.testing.assert_close(got, wanted, rtol=1e-9, atol=1e-12)


def test_a_nucleus_that_is_reached_exactly_stops_there() -> None:
    got = shape_distribution(torch.zeros(1, 4), top_p=0.75)
    torch.testing.assert_close(got[0], torch.tensor([1, 1, 1, 0]).double() / 3)
    got = shape_distribution(torch.zeros(1, 4), top_p=0.76)
    assert bool((got == 0.25).all())


def test_of_equals_the_lowest_ids_stay() -> None:
    got = shape_distribution(torch.zeros(2, 200), top_k=3)
    assert (got > 0).nonzero()[:, 1].tolist() == [0, 1, 2] * 2


def test_draws_follow_the_distribution() -> None:
    log_probs = torch.tensor([[0.1, 0.4, 0.0, 0.5], [0.25, 0.25, 0.25, 0.25]]).log()
    generator = torch.Generator().manual_seed(0)
    for options in ({}, {"temperature": 0.5}, {"top_k": 2}, {"top_p": 0.9}):
        wanted = shape_distribution(log_probs, **options)  # type: ignore[arg-type]
        rows = log_probs.repeat_interleave(20_000, 0)
        drawn = sample(rows, generator=generator, **options).view(2, -1)  # type: ignore[arg-type]
        for row in range(2):
            share = torch.bincount(drawn[row], minlength=4) / 20_000
            error = (wanted[row] * (1 - wanted[row]) / 20_000).sqrt()
            assert bool(((share - wanted[row]).abs() <= 4 * error).all())


def test_rows_are_drawn_independently() -> None:
    drawn = sample(torch.zeros(1000, 2), generator=torch.Generator().manual_seed(0))
    assert 400 < int(drawn.sum()) < 600


def test_temperature_zero_is_greedy_and_the_first_of_equals() -> None:
    log_probs = torch.tensor([[0.2, 0.5, 0.3], [0.4, 0.2, 0.4]]).log()
    assert sample(log_probs, temperature=0).tolist() == [1, 0]
    assert sample(log_probs, temperature=1e-300).tolist()[0] == 1


def test_impossible_tokens_are_never_drawn() -> None:
    log_probs = torch.full((2000, 7), -math.inf)
    log_probs[:, 2:5] = 0.0
    drawn = sample(log_probs)
    assert set(drawn.tolist()) == {2, 3, 4}


@pytest.mark.parametrize(("u", "drawn"), [(0.0, 1), (math.nextafter(1, 0), 2)])
def test_the_ends_of_the_draw(monkeypatch: pytest.MonkeyPatch, u: float, drawn: int) -> None:
    monkeypatch.setattr(torch, "rand", lambda *s, **_: torch.full(s, u, dtype=torch.float64))
    assert sample(torch.tensor([[-math.inf, 0.0, 0.0, -math.inf]])).item() == drawn


def test_a_generator_makes_it_reproducible() -> None:
    log_probs = torch.randn(50, 20)
    draw = [sample(log_probs, generator=torch.Generator().manual_seed(s)) for s in (1, 1, 2)]
    assert torch.equal(draw[0], draw[1])
    assert not torch.equal(draw[0], draw[2])


@pytest.mark.parametrize("cell", LAYERS)
def test_greedy_generation_is_the_whole_model_run_again(cell: str) -> None:
    model = language_model(cell)
    prompt = torch.randint(VOCAB, (70, 3))
    drawn = torch.stack(list(generate(Stream(model, 3), prompt, 12, temperature=0)))
    text = torch.cat([prompt, drawn])
    with torch.no_grad():
        log_probs, _ = model.eval().scan(text[:-1], model.initial_state(3))
    assert torch.equal(log_probs[69:].argmax(-1), drawn)


def test_batch_of_samples_and_no_batch() -> None:
    model = language_model("gru")
    greedy = [int(i) for i in generate(Stream(model), [1, 2, 3], 6, temperature=0)]
    prompts = torch.tensor([1, 2, 3])[:, None].expand(-1, 4)
    together = torch.stack(list(generate(Stream(model, 4), prompts, 6, temperature=0)))
    assert together.T.tolist() == [greedy] * 4
    one = next(generate(Stream(model), 3, 1, temperature=0))
    assert one.shape == ()
    free = torch.stack(list(generate(Stream(model, 4), prompts, 20, temperature=5.0)))
    assert len({tuple(row) for row in free.T.tolist()}) == 4


def test_going_on_later_is_never_having_stopped() -> None:
    model = language_model("lstm")
    prompt, options = torch.randint(VOCAB, (2, 3)), {"temperature": 0.9, "top_k": 10, "top_p": 0.9}
    generator = torch.Generator().manual_seed(4)
    whole = list(generate(Stream(model, 3), prompt, 10, generator=generator, **options))  # type: ignore[arg-type]
    generator = torch.Generator().manual_seed(4)
    stream = Stream(model, 3)
    first = list(generate(stream, prompt, 4, generator=generator, **options))  # type: ignore[arg-type]
    stream = Stream(model, 3, stream.state)
    then = list(generate(stream, first[-1], 6, generator=generator, **options))  # type: ignore[arg-type]
    assert torch.equal(torch.stack(first + then), torch.stack(whole))


def test_a_step_never_reads_more_than_the_last_token() -> None:
    model = language_model("gru")
    sizes: list[tuple[int, ...]] = []
    embed = model._embed
    model._embed = lambda tokens: sizes.append(tuple(tokens.shape)) or embed(tokens)  # type: ignore[method-assign, func-returns-value]
    list(generate(Stream(model), [1, 2, 3], 5))
    assert sizes == [(3, 1), *[(1, 1)] * 4]
    sizes.clear()
    list(generate(Stream(model), [1] * 150, 2))
    assert sizes == [(64, 1), (64, 1), (22, 1), (1, 1)]


@pytest.mark.parametrize(
    "options",
    [
        {"temperature": -0.1},
        {"temperature": math.nan},
        {"temperature": math.inf},
        {"top_k": 0},
        {"top_p": 0.0},
        {"top_p": 1.1},
        {"top_p": math.nan},
    ],
    ids=str,
)
def test_options_out_of_range(options: dict[str, float]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        sample(torch.zeros(1, 3), **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match=next(iter(options))):
        generate(Stream(language_model()), 1, 3, **options)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="length"):
        generate(Stream(language_model()), 1, -1)


def test_no_length_draws_nothing() -> None:
    assert list(generate(Stream(language_model()), 1, 0)) == []


@pytest.mark.parametrize("options", [{}, {"temperature": 0}, {"top_k": 2}, {"top_p": 0.5}], ids=str)
def test_nan_is_not_drawn_from(options: dict[str, float]) -> None:
    log_probs = torch.zeros(2, 3)
    log_probs[1, 1] = math.nan
    with pytest.raises(RunFailed, match="NaN"):
        sample(log_probs, **options)  # type: ignore[arg-type]
