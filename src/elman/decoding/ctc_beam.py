"""Prefix beam search: the most probable labelling, summed over its alignments.

A prefix is what a labelling begins with. For each of the beam's prefixes l the search keeps

    p_b(l), p_n(l)      log p of all alignments of l so far that end in the blank, and that do not

and at each step, of every l and every l + token, the prefixes with the highest

    score(l) = log(e^p_b + e^p_n) + weight · log p_scorer(l) + bonus · |l| + boosts(l)

Beside the sums it keeps the most probable alignment of each kind of end, which tells the steps.
With a beam as wide as the number of prefixes the result is exact.

Legend: B rows (utterances side by side), W the beam, V tokens, K = V + 1 outputs.

Sources: Graves 2012, "Sequence transduction with recurrent neural networks"; Hannun et al. 2014,
arXiv:1408.2873; shallow fusion: Gulcehre et al. 2015, arXiv:1503.03535.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from elman.decoding.ctc import (
    Array,
    Emission,
    Hypothesis,
    Packed,
    Path,
    Search,
    as_lengths,
    as_steps,
    check_numbers,
    pack_paths,
    unpack_paths,
)
from elman.decoding.ctc_prefixes import (
    BLANK,
    CONFIDENCE,
    END,
    EXTRA,
    LOGS,
    NATS,
    NOBODY,
    NOTHING,
    NUMBERS,
    P_BLANK,
    P_TOKEN,
    STEP,
    TOKEN,
    BeamState,
    alignment,
    closed_path,
    grown_name,
    settle,
)
from elman.decoding.hot_words import HotWords
from elman.decoding.scorer import Scorer
from elman.errors import InputError

AT_ONCE = 1 << 20
"""Candidates of one step, of all rows that are searched side by side."""


@final
class BeamSearch(Search[BeamState]):
    """Prefix beam search, with another opinion and with hot words.

    Prefixes are told apart by 64-bit hashes of their tokens. Equally good ones are taken in an
    order that depends on the steps alone.

    Args:
        beam: W, how many prefixes are kept.
        scorer: another opinion on the text; None for none.
        weight: of the scorer's log-probabilities.
        bonus: nats for each token, or for each word where the scorer reads words; against the
            favor that a scorer does short texts.
        hot: phrases with a boost in nats each.

    Raises:
        InputError: a beam below 1, or numbers that are not finite.
    """

    def __init__(
        self,
        beam: int = 16,
        scorer: Scorer | None = None,
        weight: float = 0.5,
        bonus: float = 0.0,
        hot: HotWords | None = None,
    ) -> None:
        if beam < 1:
            raise InputError(f"beam must be at least 1, got {beam}")
        for name, value in (("weight", weight), ("bonus", bonus)):
            if not math.isfinite(value):
                raise InputError(f"{name} must be a finite number, got {value}")
        self.beam, self.scorer, self.weight, self.bonus, self.hot = beam, scorer, weight, bonus, hot

    def start(self) -> BeamState:
        return self._start(1)

    def advance(self, state: BeamState, log_probs: Tensor | Array) -> BeamState:
        steps = as_steps(log_probs, 2)
        self._check_outputs(state, steps)
        for step in steps:
            state = self._step(state, step[None])
        return state

    def n_best(self, state: BeamState, n: int, *, ended: bool = True) -> list[Hypothesis]:
        return self._n_best(state, n, ended)[0]

    def decode(
        self, log_probs: Tensor | Array, lengths: Sequence[int] | Tensor, n: int = 1
    ) -> list[list[Hypothesis]]:
        steps = as_steps(log_probs, 3)
        sizes = as_lengths(lengths, steps)
        found: list[list[Hypothesis]] = [[] for _ in sizes]
        order = sorted(range(len(sizes)), key=lambda row: -sizes[row])
        most = max(1, AT_ONCE // (self.beam * steps.shape[2]))
        for begin in range(0, len(order), most):
            rows = order[begin : begin + most]
            ends = np.array([sizes[row] for row in rows])
            state = self._start(len(rows))
            self._check_outputs(state, steps)
            for number in range(int(ends[0]) + 1):
                going = int((ends > number).sum())
                if going < len(state.last):
                    ended = self._n_best(state.rows(slice(going, None)), n, ended=True)
                    for row, hypotheses in zip(rows[going:], ended, strict=False):
                        found[row] = hypotheses
                    state = state.rows(slice(going))
                if going:
                    step = steps[number, rows[:going]]
                    check_numbers(step)
                    state = self._step(state, step)
        return found

    def take(self, state: BeamState, most: int = 1000) -> tuple[list[Emission], BeamState]:
        """What all prefixes begin with, at the same steps; see `Search.take`.

        Where more than `most` tokens would remain, the prefixes that begin otherwise than the best
        are given up, so that a stream without an end keeps to its bounds.
        """
        return settle(state, most)

    def pack(self, state: BeamState) -> Packed:
        tensors = pack_paths(state.paths[:, 0].ravel().tolist())
        tensors |= {
            "beam.numbers": torch.from_numpy(state.numbers[:, 0].copy()),
            "beam.names": torch.from_numpy(state.names[:, 0].view(np.int64).copy()),
            "beam.last": torch.from_numpy(state.last[0].copy()),
            "beam.hot": torch.from_numpy(state.hot[0].copy()),
        }
        values: dict[str, Any] = {"step": state.step, "options": self._options()}
        if state.added is not None:
            tensors["beam.added"] = torch.from_numpy(state.added[0].copy())
        if self.scorer is not None:
            kept, values["scorer"] = self.scorer.pack(state.scored[0].tolist())
            tensors |= {f"scorer.{name}": tensor for name, tensor in kept.items()}
        return tensors, values

    def unpack(self, tensors: Mapping[str, Tensor], values: Mapping[str, Any]) -> BeamState:
        if values["options"] != self._options():
            raise ValueError(
                "a search with another beam, weight, bonus or other hot words; give the options"
                " that it was saved with"
            )
        fresh = self._start(1)
        found = unpack_paths(tensors)
        if len(found) != 2 * self.beam:
            raise ValueError(f"a beam of {len(found) // 2}, expected one of {self.beam}")
        paths = np.full_like(fresh.paths, None)
        for place, path in enumerate(found):
            paths[place // self.beam, 0, place % self.beam] = path
        state = replace(
            fresh,
            step=int(values["step"]),
            numbers=_like(fresh.numbers[:, 0], tensors["beam.numbers"])[:, None],
            names=_like(fresh.names[:, 0].view(np.int64), tensors["beam.names"])[:, None].view(
                np.uint64
            ),
            last=_like(fresh.last[0], tensors["beam.last"])[None],
            hot=_like(fresh.hot[0], tensors["beam.hot"])[None],
            paths=paths,
        )
        nodes = 1 if self.hot is None else self.hot.nodes
        if state.last.min() < -1 or state.hot.min() < 0 or state.hot.max() >= nodes:
            raise ValueError("a token or a node of hot words that there is not")
        if fresh.added is not None:
            state = replace(state, added=_like(fresh.added[0], tensors["beam.added"])[None])
        # Minus infinity stands for what is impossible.
        if not all(
            (each < math.inf).all() for each in (state.numbers, state.added) if each is not None
        ):
            raise ValueError("numbers of a prefix that are not finite")
        if self.scorer is not None:
            kept = {
                name.removeprefix("scorer."): tensor
                for name, tensor in tensors.items()
                if name.startswith("scorer.")
            }
            scored = np.empty_like(fresh.scored)
            states = self.scorer.unpack(kept, values["scorer"])
            for slot, each in zip(range(self.beam), states, strict=True):
                scored[0, slot] = each
            state = replace(state, scored=scored)
        return state

    def _options(self) -> list[Any]:
        """What a snapshot must have been taken with."""
        hot = "" if self.hot is None else self.hot.fingerprint
        return [self.beam, float(self.weight), float(self.bonus), hot]

    def _start(self, rows: int) -> BeamState:
        """The empty prefix in the first slot of each row."""
        shape = (rows, self.beam)
        numbers = np.full((NUMBERS, *shape), -math.inf)
        numbers[EXTRA] = 0
        for kind in (BLANK, TOKEN):
            numbers[kind.start + 1 : kind.stop] = 0
        numbers[P_BLANK, :, 0] = numbers[BLANK.start, :, 0] = 0
        names = np.full((2, *shape), NOTHING, np.uint64)
        names[0] = NOBODY
        names[0, :, 0] = 0
        scored = np.full(shape, None, dtype=object)
        hot = np.zeros(shape, np.int64)
        added = None
        if self.scorer is not None:
            scores, first = self.scorer.start()
            for place in np.ndindex(shape):
                scored[place] = first
            added = self.weight * scores.log_probs + self.bonus * scores.units
        if self.hot is not None:
            hot.fill(self.hot.start)
            gains, _ = self.hot.continuations([self.hot.start])
            added = gains[0] + (self.bonus if added is None else added)
        if added is not None:
            added = np.broadcast_to(added, (*shape, added.shape[-1])).astype(np.float64)
        last = np.full(shape, -1, np.int64)
        paths = np.full((2, *shape), None, dtype=object)
        return BeamState(0, numbers, names, last, paths, hot, added, scored)

    def _check_outputs(self, state: BeamState, steps: Array) -> None:
        """Refuse steps over other tokens than the state's and the scorer's."""
        tokens = steps.shape[-1] - 1
        if not tokens:
            raise InputError("log_probs have one output, expected tokens and the blank")
        if state.added is not None and state.added.shape[-1] != tokens:
            raise InputError(
                f"log_probs are of {tokens} tokens and the blank, and the scorer or the hot words"
                f" of {state.added.shape[-1]}; they belong to another network"
            )
        if state.last.max() >= tokens:
            raise InputError(
                f"log_probs are of {tokens} tokens and the blank, and the steps before them had"
                f" token {state.last.max()}; they belong to another network"
            )

    def _step(self, state: BeamState, log_probs: Array) -> BeamState:
        """The prefixes after one more step (B, K)."""
        width, tokens = self.beam, log_probs.shape[1] - 1
        row = np.arange(len(log_probs))[:, None]
        slots = np.arange(width)
        blank = log_probs[:, -1:]
        before = np.maximum(state.last, 0)
        same = log_probs[row, before]  # of the last token once more

        p_blank, p_token, extra = state.numbers[:3]
        total = np.logaddexp(p_blank, p_token)
        grown = total[:, :, None] + log_probs[:, None, :-1]  # (B, W, V)
        # A token follows itself only after a blank. (The empty prefix has only such alignments.)
        grown[row, slots, before] = p_blank + same
        stay_blank, stay_token = total + blank, p_token + same

        # The alignments, by the same rules with the largest in place of the sum.
        ends_blank, ends_token = state.numbers[BLANK], state.numbers[TOKEN]
        by_token = ends_token[NATS] > ends_blank[NATS]
        better = np.where(by_token, ends_token, ends_blank)
        better_path = np.where(by_token, state.paths[1], state.paths[0])
        aligned = np.empty_like(state.numbers)
        aligned[BLANK] = better
        aligned[BLANK.start] += blank
        stay = aligned[TOKEN]
        stay[NATS] = ends_token[NATS] + same
        np.maximum(ends_token[CONFIDENCE], np.exp(np.minimum(same, 0)), out=stay[CONFIDENCE])
        stay[STEP], stay[END] = ends_token[STEP], state.step + 1
        paths = np.stack([better_path, state.paths[1]])

        closed: dict[tuple[int, int, bool], Path | None] = {}

        def close(row: int, slot: int, again: bool) -> Path | None:
            """The alignment that a token goes on from, with its last token, which is over."""
            key = row, slot, again
            if key not in closed:
                path, end = (state.paths[0], ends_blank) if again else (better_path, better)
                token = int(state.last[row, slot])
                closed[key] = closed_path(path[row, slot], token, end[:, row, slot])
            return closed[key]

        # A prefix that grows into another of the beam adds to it.
        match = state.names[1][:, :, None] == state.names[0][:, None, :]
        if match.any():
            r, child, parent = match.nonzero()
            token = state.last[r, child]
            stay_token[r, child] = np.logaddexp(stay_token[r, child], grown[r, parent, token])
            grown[r, parent, token] = -math.inf
            again = state.last[r, parent] == token
            said = log_probs[r, token]
            nats = np.where(again, ends_blank[NATS, r, parent], better[NATS, r, parent]) + said
            for n in (nats > stay[NATS, r, child]).nonzero()[0].tolist():
                at = int(r[n]), int(child[n])
                paths[1][at] = close(at[0], int(parent[n]), bool(again[n]))
                sure = math.exp(min(said[n], 0.0))
                stay[:, at[0], at[1]] = nats[n], sure, state.step, state.step + 1
        aligned[P_BLANK], aligned[P_TOKEN], aligned[EXTRA] = stay_blank, stay_token, extra

        # Column 0 keeps a prefix as it is; the others let it grow.
        scores = np.empty((len(row), width, 1 + tokens))
        scores[:, :, 0] = np.logaddexp(stay_blank, stay_token) + extra
        np.add(grown, extra[:, :, None], out=scores[:, :, 1:])
        scores[:, :, 1:] += self.bonus if state.added is None else state.added
        scores = scores.reshape(len(row), -1)
        best = np.argpartition(scores, -width, axis=1)[:, -width:]
        best.sort(axis=1)  # so that equal scores keep the order of their candidates
        values = scores[row, best]
        order = np.argsort(-values, axis=1, kind="stable")
        best, values = best[row, order], values[row, order]

        parent, token = best // (1 + tokens), best % (1 + tokens) - 1
        dead = values == -math.inf
        r, slot = ((token >= 0) & ~dead).nonzero()
        chosen, token = parent[r, slot], token[r, slot]

        again = state.last[r, chosen] == token
        said = log_probs[r, token]
        nats = np.where(again, ends_blank[NATS, r, chosen], better[NATS, r, chosen]) + said
        after = BeamState(
            state.step + 1,
            aligned[:, row, parent],
            state.names[:, row, parent],
            state.last[row, parent],
            paths[:, row, parent],
            state.hot[row, parent],
            None if state.added is None else state.added[row, parent],
            state.scored[row, parent],
        )
        after.numbers[EXTRA, r, slot] += (
            self.bonus if state.added is None else state.added[r, chosen, token]
        )
        after.numbers[P_BLANK, r, slot] = after.numbers[BLANK.start, r, slot] = -math.inf
        after.numbers[P_TOKEN, r, slot] = grown[r, chosen, token]
        grows = nats, np.exp(np.minimum(said, 0)), state.step, state.step + 1
        for number, value in enumerate(grows):
            after.numbers[TOKEN.start + number, r, slot] = value
        for number in LOGS:
            after.numbers[number][dead] = -math.inf
        after.names[1, r, slot] = state.names[0, r, chosen]
        after.names[0, r, slot] = grown_name(state.names[0, r, chosen], token)
        after.names[0, dead], after.names[1, dead] = NOBODY, NOTHING
        after.last[r, slot] = token
        grown_from = zip(*(each.tolist() for each in (r, slot, chosen, again)), strict=True)
        for at_row, at_slot, from_slot, from_blank in grown_from:
            after.paths[1][at_row, at_slot] = close(at_row, from_slot, from_blank)
            after.paths[0][at_row, at_slot] = None
        self._extend(state, after, (r, slot), chosen, token)
        return after

    def _extend(
        self,
        state: BeamState,
        after: BeamState,
        place: tuple[Array, Array],
        parent: Array,
        token: Array,
    ) -> None:
        """Tell the scorer and the hot words of the prefixes at `place` that have grown."""
        if after.added is None or not len(token):
            return
        r, slot = place
        added: Array | float = self.bonus
        if self.scorer is not None:
            scores, states = self.scorer.extend(state.scored[r, parent].tolist(), token.tolist())
            added = self.weight * scores.log_probs + self.bonus * scores.units
            for at, each in zip(zip(r.tolist(), slot.tolist(), strict=True), states, strict=True):
                after.scored[at] = each
        if self.hot is not None:
            _, targets = self.hot.continuations(state.hot[r, parent].tolist())
            nodes = targets[np.arange(len(token)), token]
            after.hot[r, slot] = nodes
            gains, _ = self.hot.continuations(nodes.tolist())
            added = added + gains
        after.added[r, slot] = added

    def _n_best(self, state: BeamState, n: int, ended: bool) -> list[list[Hypothesis]]:
        """The hypotheses of each row."""
        totals = np.logaddexp(state.numbers[P_BLANK], state.numbers[P_TOKEN])
        scores = totals + state.numbers[EXTRA]
        if ended and self.scorer is not None:
            ends = self.scorer.finish(state.scored.ravel().tolist())
            added = self.weight * ends.log_probs + self.bonus * ends.units
            scores = scores + added.reshape(scores.shape)
        if ended and self.hot is not None:
            scores = scores + self.hot.finish(state.hot.ravel().tolist()).reshape(scores.shape)
        found = []
        for row, order in enumerate(np.argsort(-scores, axis=1, kind="stable").tolist()):
            alive = [slot for slot in order if totals[row, slot] > -math.inf]
            found.append(
                [
                    Hypothesis.of(
                        alignment(state, row, slot),
                        float(totals[row, slot]),
                        float(scores[row, slot]),
                    )
                    for slot in (alive or order[:1])[:n]
                ]
            )
        return found


def _like(template: Array, tensor: Tensor) -> Array:
    """A copy of `tensor` as an array, which has the shape and the kind of `template`."""
    found = tensor.numpy()
    if found.shape != template.shape or found.dtype != template.dtype:
        raise ValueError(
            f"numbers of {found.shape} {found.dtype}, expected {template.shape} {template.dtype}"
        )
    return np.array(found)
