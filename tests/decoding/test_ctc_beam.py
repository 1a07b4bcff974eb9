"""Prefix beam search equals what can be computed without it: over every alignment there is."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from elman.decoding.ctc import Emission, GreedySearch, Hypothesis, Packed, decode
from elman.decoding.ctc_beam import BeamSearch
from elman.decoding.hot_words import HotWords
from elman.decoding.scorer import Scores
from elman.errors import InputError, RunFailed
from elman.streaming.session import Snapshot
from tests.decoding.alignments import (
    best_alignment,
    every_labelling,
    labelling,
    random_steps,
)

WIDE = 400
"""As many prefixes as there are in 5 steps over 3 tokens."""


@dataclass(frozen=True)
class Bigrams:
    """A scorer of a table: log p(token | the token before it), -1 the beginning."""

    table: np.ndarray  # (V + 1, V + 1): rows by the token before, columns by the next, -1 the end
    per_word: int | None = None

    @staticmethod
    def drawn(tokens: int, seed: int, per_word: int | None = None) -> Bigrams:
        return Bigrams(random_steps(tokens + 1, tokens + 1, seed), per_word)

    def _units(self, before: int) -> np.ndarray:
        width = self.table.shape[1] - 1
        if self.per_word is None:
            return np.ones(width)
        return np.array(
            [float(before not in (-1, self.per_word) and t == self.per_word) for t in range(width)]
        )

    def start(self) -> tuple[Scores, int]:
        return Scores(self.table[-1, :-1], self._units(-1)), -1

    def extend(self, states: Sequence[int], tokens: Sequence[int]) -> tuple[Scores, list[int]]:
        units = np.stack([self._units(token) for token in tokens])
        return Scores(self.table[list(tokens), :-1], units), list(tokens)

    def finish(self, states: Sequence[int]) -> Scores:
        last = np.array([s not in (-1, self.per_word) for s in states], np.float64)
        units = np.zeros(len(states)) if self.per_word is None else last
        return Scores(self.table[list(states), -1], units)

    def pack(self, states: Sequence[int]) -> Packed:
        return {"last": torch.tensor(states)}, {}

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> list[int]:
        found: list[int] = tensors["last"].tolist()
        return found

    def score(self, tokens: tuple[int, ...], weight: float, bonus: float) -> float:
        """By the definition: the whole text at once."""
        total = sum(self.table[a, b] for a, b in zip((-1, *tokens), (*tokens, -1), strict=True))
        units = len(tokens)
        if self.per_word is not None:
            text = "".join(" " if t == self.per_word else "x" for t in tokens)
            units = len(text.split())
        return float(weight * total + bonus * units)


def ranked(scores: Mapping[tuple[int, ...], float]) -> list[tuple[tuple[int, ...], float]]:
    return sorted(scores.items(), key=lambda item: -item[1])


@pytest.mark.parametrize("outputs", [2, 3, 4])
@pytest.mark.parametrize("steps", [0, 1, 2, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_a_beam_as_wide_as_all_prefixes_is_exact(outputs: int, steps: int, seed: int) -> None:
    log_probs = random_steps(steps, outputs, seed)
    expected = ranked(every_labelling(log_probs))
    (found,) = decode(log_probs[:, None], [steps], BeamSearch(WIDE), n=WIDE)
    assert [each.tokens for each in found] == [tokens for tokens, _ in expected]
    for each, (_, nats) in zip(found, expected, strict=True):
        assert each.log_probability == pytest.approx(nats, rel=1e-12, abs=1e-12)
        assert each.score == each.log_probability


def test_all_labellings_together_have_probability_1() -> None:
    (found,) = decode(random_steps(5, 4, 3)[:, None], [5], BeamSearch(WIDE), n=WIDE)
    assert math.fsum(math.exp(each.log_probability) for each in found) == pytest.approx(1)


@pytest.mark.parametrize("seed", range(4))
def test_the_steps_are_those_of_the_most_probable_alignment(seed: int) -> None:
    log_probs = random_steps(5, 3, seed)
    (found,) = decode(log_probs[:, None], [5], BeamSearch(WIDE), n=10)
    for each in found:
        alignment = best_alignment(log_probs, each.tokens)
        runs = list(emitted(alignment, 2, log_probs))
        expected = Hypothesis.of(runs, each.log_probability, each.score)
        assert (each.tokens, each.steps, each.ends) == (
            *(expected.tokens, expected.steps, expected.ends),
        )
        assert each.confidences == pytest.approx(expected.confidences, rel=1e-14)


def emitted(alignment: tuple[int, ...], blank: int, log_probs: np.ndarray) -> list[Emission]:
    found: list[Emission] = []
    for step, output in enumerate(alignment):
        before = alignment[step - 1] if step else blank
        sure = math.exp(log_probs[step, output])
        if output != blank and output == before:
            last = found[-1]
            found[-1] = Emission(output, last.step, step + 1, max(last.confidence, sure))
        elif output != blank:
            found.append(Emission(output, step, step + 1, sure))
    return found


@pytest.mark.parametrize("per_word", [None, 1])
@pytest.mark.parametrize(("weight", "bonus"), [(0.7, 0.0), (1.5, 2.0), (0.4, -1.0)])
def test_fusion_is_exact(weight: float, bonus: float, per_word: int | None) -> None:
    log_probs, scorer = random_steps(5, 4, 11), Bigrams.drawn(3, 5, per_word)
    sums = every_labelling(log_probs)
    expected = ranked({t: p + scorer.score(t, weight, bonus) for t, p in sums.items()})
    search = BeamSearch(WIDE, scorer, weight, bonus)
    (found,) = decode(log_probs[:, None], [5], search, n=WIDE)
    assert [each.tokens for each in found] == [tokens for tokens, _ in expected]
    for each, (tokens, score) in zip(found, expected, strict=True):
        assert each.score == pytest.approx(score, rel=1e-12)
        assert each.log_probability == pytest.approx(sums[tokens], rel=1e-12)


def test_a_bonus_without_a_scorer_is_one_for_each_token() -> None:
    log_probs = random_steps(5, 3, 2)
    expected = ranked({t: p + 0.9 * len(t) for t, p in every_labelling(log_probs).items()})
    (found,) = decode(log_probs[:, None], [5], BeamSearch(WIDE, bonus=0.9), n=WIDE)
    assert [each.tokens for each in found] == [tokens for tokens, _ in expected]
    assert found[0].score == pytest.approx(expected[0][1])


SPELLING = [b"a", b"b", b" "]


@pytest.mark.parametrize("scorer", [None, Bigrams.drawn(3, 9)])
def test_hot_words_are_exact(scorer: Bigrams | None) -> None:
    log_probs, boosts = random_steps(6, 4, 4, 1.0), {"ab": 1.5, "a b": 2.5, "b": -0.5}
    hot = HotWords(boosts, SPELLING)
    expected = ranked(
        {
            tokens: nats
            + (0 if scorer is None else scorer.score(tokens, 0.5, 0.0))
            + sum(boost * occurrences(phrase, text(tokens)) for phrase, boost in boosts.items())
            for tokens, nats in every_labelling(log_probs).items()
        }
    )
    search = BeamSearch(2000, scorer, 0.5, hot=hot)
    (found,) = decode(log_probs[:, None], [6], search, n=2000)
    assert [each.tokens for each in found] == [tokens for tokens, _ in expected]
    for each, (_, score) in zip(found, expected, strict=True):
        assert each.score == pytest.approx(score, rel=1e-12)


def occurrences(phrase: str, text: str) -> int:
    """How often a phrase stands in a text as whole words; two may share a space."""
    return sum(f" {text} ".startswith(f" {phrase} ", place) for place in range(len(text) + 1))


def text(tokens: tuple[int, ...]) -> str:
    return b"".join(SPELLING[token] for token in tokens).decode()


def searches() -> list[BeamSearch]:
    spelling = [b"a", b"b", b" ", b"c", b"d"]
    hot = HotWords({"ab": 2.0, "cab d": 3.0}, spelling)
    scorer = Bigrams.drawn(5, 1, per_word=2)
    return [
        BeamSearch(1),
        BeamSearch(8),
        BeamSearch(8, bonus=0.3),
        BeamSearch(8, scorer, 0.5, 0.8),
        BeamSearch(8, hot=hot),
        BeamSearch(8, scorer, 0.5, 0.8, hot),
    ]


@pytest.mark.parametrize("search", searches())
@pytest.mark.parametrize("sizes", [[1] * 60, [7] * 8 + [4], [0, 13, 0, 47]])
def test_chunks_equal_the_whole_to_the_bit(search: BeamSearch, sizes: list[int]) -> None:
    steps = random_steps(60, 6, 21, 1.5)
    state = search.start()
    for chunk in np.split(steps, np.cumsum(sizes)[:-1]):
        state = search.advance(state, chunk)
    (whole,) = decode(steps[:, None], [60], search, n=8)
    assert search.n_best(state, 8) == whole
    assert search.best(state) == whole[0]


@pytest.mark.parametrize("search", searches())
def test_alone_equals_in_a_batch_to_the_bit(search: BeamSearch) -> None:
    lengths = [9, 0, 40, 40, 1]
    steps = np.stack([random_steps(40, 6, seed, 1.5) for seed in range(5)], axis=1)
    for row, length in enumerate(lengths):
        steps[length:, row] = math.nan
    found = decode(torch.from_numpy(steps), torch.tensor(lengths), search, n=4)
    alone = [decode(steps[:n, row, None], [n], search, n=4)[0] for row, n in enumerate(lengths)]
    assert found == alone


def test_many_rows_are_searched_in_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    steps = np.stack([random_steps(12, 5, seed) for seed in range(5)], axis=1)
    whole = decode(steps, [12, 3, 7, 0, 12], BeamSearch(4))
    monkeypatch.setattr("elman.decoding.ctc_beam.AT_ONCE", 2 * 4 * 5)
    assert decode(steps, [12, 3, 7, 0, 12], BeamSearch(4)) == whole


def test_a_narrow_beam_finds_what_greedy_search_misses() -> None:
    # "a" has 0.36 + 0.24 + 0.24, though its best alignment has less than that of "".
    log_probs = np.log([[0.4, 0.6], [0.4, 0.6]])
    assert decode(log_probs[:, None], [2])[0][0].tokens == ()
    assert decode(log_probs[:, None], [2], BeamSearch(2))[0][0].tokens == (0,)


def test_sure_steps_are_as_greedy_search_says() -> None:
    log_probs = random_steps(200, 8, 5, 12.0)
    (greedy,), (found,) = (
        decode(log_probs[:, None], [200]),
        decode(log_probs[:, None], [200], BeamSearch(16)),
    )
    assert found[0].tokens == greedy[0].tokens == labelling(log_probs.argmax(1).tolist(), 7)
    assert found[0].steps == greedy[0].steps
    assert found[0].ends == greedy[0].ends
    assert found[0].confidences == pytest.approx(greedy[0].confidences)
    assert all(0 <= each <= 1 for each in found[0].confidences)


def test_before_the_end_the_end_does_not_count() -> None:
    search = BeamSearch(WIDE, Bigrams.drawn(3, 2), 1.0, hot=HotWords({"ab": 4.0}, SPELLING))
    log_probs = np.log(np.full((1, 4), 0.1))
    log_probs[0, 0] = math.log(0.7)
    state = search.advance(search.start(), log_probs)
    scorer = search.scorer
    assert isinstance(scorer, Bigrams)
    so_far = {each.tokens: each.score for each in search.n_best(state, 9, ended=False)}
    ended = {each.tokens: each.score for each in search.n_best(state, 9)}
    part = 4.0 / 3  # of the boost: one of the two letters and the space that end a word
    assert so_far[0,] == pytest.approx(math.log(0.7) + scorer.table[-1, 0] + part)
    assert ended[0,] == pytest.approx(math.log(0.7) + scorer.score((0,), 1.0, 0.0))


def test_advance_leaves_the_state_that_it_was_given() -> None:
    search, steps = searches()[-1], random_steps(30, 6, 2)
    state = search.advance(search.start(), steps[:10])
    before = search.n_best(state, 8)
    after = search.n_best(search.advance(state, steps[10:]), 8)
    assert search.n_best(state, 8) == before
    assert search.n_best(search.advance(state, steps[10:]), 8) == after


@pytest.mark.parametrize("search", searches())
@pytest.mark.parametrize("place", [0, 1, 17, 40])
def test_a_snapshot_goes_on_where_it_was_taken(search: BeamSearch, place: int) -> None:
    steps = random_steps(40, 6, 5)
    state = search.advance(search.start(), steps[:place])
    tensors, values = search.pack(state)
    kept = Snapshot.from_bytes(Snapshot("k", "m", tensors=tensors, values=values).to_bytes())
    again = search.advance(search.unpack(kept.tensors, kept.values), steps[place:])
    assert search.n_best(again, 8) == search.n_best(search.advance(state, steps[place:]), 8)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("beam.numbers", torch.zeros(11, 3, dtype=torch.float64)),
        ("beam.numbers", torch.zeros(11, 8)),
        ("beam.last", torch.full((8,), -2)),
        ("beam.hot", torch.full((8,), 99)),
        ("path.last", torch.full((6,), -1)),
    ],
)
def test_a_snapshot_that_does_not_fit_is_refused(name: str, value: Tensor) -> None:
    search = searches()[-1]
    tensors, values = search.pack(search.advance(search.start(), random_steps(5, 6, 1)))
    with pytest.raises((KeyError, TypeError, ValueError)):
        search.unpack({**tensors, name: value}, values)


@pytest.mark.parametrize("search", searches()[1:])
def test_what_is_settled_can_be_taken_and_the_state_stays_small(search: BeamSearch) -> None:
    steps = random_steps(300, 6, 9, 30.0)
    whole = search.best(search.advance(search.start(), steps))
    state, taken, longest = search.start(), list[Emission](), 0
    for chunk in np.split(steps, 30):
        emitted_now, state = search.take(search.advance(state, chunk), most=20)
        taken += emitted_now
        longest = max(longest, len(search.pack(state)[0]["path.before"]))
    rest = search.best(state)
    parts = Hypothesis.of(taken, 0, 0)
    assert longest < len(whole.tokens)
    assert parts.tokens + rest.tokens == whole.tokens
    assert parts.steps + rest.steps == whole.steps
    assert parts.ends + rest.ends == whole.ends


def test_to_take_what_all_prefixes_share_changes_nothing() -> None:
    # Token after token, with a doubt about the last two of them.
    sure = np.full((40, 4), math.log(1e-9))
    sure[np.arange(40), [k % 3 for k in range(40)]] = 0
    sure[-2:] = math.log(0.25)
    search = BeamSearch(8)
    state = search.advance(search.start(), sure)
    taken, rest = search.take(state)
    assert len(taken) >= 30
    more = random_steps(5, 4, 1)
    whole = search.n_best(search.advance(state, more), 8)
    short = search.n_best(search.advance(rest, more), 8)
    head = Hypothesis.of(taken, 0, 0)
    assert [head.tokens + each.tokens for each in short] == [each.tokens for each in whole]
    assert [head.steps + each.steps for each in short] == [each.steps for each in whole]
    assert [each.score for each in short] == [each.score for each in whole]


def test_a_snapshot_of_a_search_with_other_options_is_refused() -> None:
    tensors, values = searches()[-1].pack(searches()[-1].start())
    for search in (
        BeamSearch(8, Bigrams.drawn(5, 1, 2), 0.5, 0.8, HotWords({"ab": 2.0}, [b"a", b"b"])),
        BeamSearch(8, Bigrams.drawn(5, 1, 2), 0.5, 0.9),
    ):
        with pytest.raises(ValueError, match="give the options that it was saved with"):
            search.unpack(tensors, values)


def test_alternatives_that_never_end_are_given_up() -> None:
    # Two first tokens that are as probable as each other, and all else is sure.
    rng = np.random.default_rng(0)
    steps = np.full((200, 4), math.log(1e-4))
    steps[0, :2] = math.log(0.4999)
    steps[
        np.arange(1, 200), np.where(np.arange(1, 200) % 2, 3, rng.integers(0, 3, 200)[1:])
    ] = -3e-4
    search = BeamSearch(4)
    state = search.advance(search.start(), steps)
    taken, same = search.take(state)
    assert not taken
    assert len(search.best(same).tokens) == 100
    taken, rest = search.take(state, most=20)
    assert Hypothesis.of(taken, 0, 0).tokens + search.best(rest).tokens == search.best(state).tokens
    assert len(search.best(rest).tokens) <= 21
    later = search.advance(rest, steps[1:])
    assert all(math.isfinite(each.score) for each in search.n_best(later, 4))


def test_the_steps_must_have_the_same_tokens() -> None:
    search = BeamSearch(4)
    state = search.advance(search.start(), random_steps(8, 6, 0))
    with pytest.raises(InputError, match="they belong to another network"):
        search.advance(state, random_steps(2, 2, 0))
    with pytest.raises(InputError, match=r"of 4 tokens and the blank, and the scorer .* of 3"):
        decode(np.zeros((1, 1, 5)), [1], BeamSearch(4, Bigrams.drawn(3, 0)))


@pytest.mark.parametrize("options", [{"beam": 0}, {"weight": math.inf}, {"bonus": math.nan}])
def test_options_out_of_range_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=next(iter(options))):
        BeamSearch(**options)


@pytest.mark.parametrize("search", [BeamSearch(4), GreedySearch()])
def test_numbers_that_are_none_are_refused(search: Any) -> None:
    with pytest.raises(RunFailed, match="weights have NaN"):
        decode(np.full((3, 2, 4), math.nan), [3, 1], search)


def test_impossible_steps_leave_one_hypothesis_of_no_probability() -> None:
    (found,) = decode(np.full((2, 1, 3), -math.inf), [2], BeamSearch(4), n=3)
    assert [each.score for each in found] == [-math.inf]
