"""Beam search: the most probable outputs of a model that generates one token at a time.

Legend: B sources, K the beam, k <= K hypotheses of each so far, N = B · k rows, S source,
V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from elman.decoding.encoder_decoder import (
    Constraints,
    EncoderDecoder,
    Hypothesis,
    SourceBatch,
    source_batches,
)
from elman.errors import InputError, RunFailed
from elman.streaming.stream import evaluating

LengthFormula = Literal["mean", "wu"]


@dataclass(frozen=True)
class Beam:
    """The width of the search, and how outputs of different lengths are compared.

        score = log p(output | source) / lp + cp

        lp = |output|^α                           "mean": with α = 1, nats per token
        lp = ((5 + |output|) / 6)^α               "wu"
        cp = β Σ_s log min(Σ_t a_ts, 1)           a_ts: attention of output token t on source s

    The end counts as a token of the output. Unfinished hypotheses are compared by log p, finished
    ones by score.

    Source: Wu et al. 2016, arXiv:1609.08144, section 7 (its equation 14: lp and cp).

    Attributes:
        width: K, the hypotheses kept for each source; 1 is greedy search.
        n_best: how many outputs to return for each source.
        length_penalty: α; 0 compares plain log-probabilities, which favors short outputs.
        length_formula: which lp.
        coverage_penalty: β; 0 for none.
    """

    width: int = 5
    n_best: int = 1
    length_penalty: float = 1.0
    length_formula: LengthFormula = "mean"
    coverage_penalty: float = 0.0

    def __post_init__(self) -> None:
        if self.width < 1:
            raise InputError(f"the beam must be at least 1 wide, got {self.width}")
        if not 1 <= self.n_best <= self.width:
            raise InputError(
                f"n_best must be from 1 to the beam, which is {self.width}, got {self.n_best}"
            )
        for name in ("length_penalty", "coverage_penalty"):
            if not 0 <= getattr(self, name) < math.inf:
                raise InputError(f"{name} must be a number from 0 up, got {getattr(self, name)}")
        if self.length_formula not in get_args(LengthFormula):
            raise InputError(f"length_formula must be mean or wu, got {self.length_formula!r}")

    def lengthen(self, length: int) -> float:
        """lp of an output of `length` tokens."""
        base = length if self.length_formula == "mean" else (5 + length) / 6
        return float(base**self.length_penalty)

    def cover(self, coverage: Tensor) -> float:
        """cp for the total attention (S,) on each source token."""
        least = torch.finfo(coverage.dtype).tiny
        return self.coverage_penalty * float(coverage.clamp(least, 1).log().sum())


def beam_search(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    constraints: Constraints,
    beam: Beam | None = None,
    *,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
) -> list[list[Hypothesis]]:
    """The `n_best` outputs with the highest scores for each source, the best first.

    At each step, of all continuations of a source's hypotheses, those that end and are among the K
    most probable become outputs, and the K best that do not end are kept. A source leaves the batch
    when it has K outputs, or when no kept hypothesis can still be among its `n_best`. A beam as
    wide as the number of possible outputs is an exhaustive search.
    """
    beam = beam or Beam()
    found: list[list[Hypothesis]] = [[] for _ in sources]
    with evaluating(model), torch.inference_mode():
        for group in source_batches(sources, batch_size, device):
            outputs = _Search(beam, constraints, group).run(model)
            for place, best in zip(group.places, outputs, strict=True):
                found[place] = best
    return found


class _Search:
    """The hypotheses of one batch of sources, as they grow and end."""

    def __init__(self, beam: Beam, constraints: Constraints, group: SourceBatch) -> None:
        self.beam, self.constraints = beam, constraints
        self.sources, self.lengths = group.sources, group.lengths
        self.limits = constraints.limits(group.lengths)
        self.longest: list[int] = self.limits.tolist()
        self.found: list[list[Hypothesis]] = [[] for _ in group.places]
        # These have a row for each source that is still in the batch.
        count, device = len(group.places), group.sources.device
        self.places = list(range(count))
        self.scores = torch.zeros(count, 1, dtype=torch.float64, device=device)  # (B, k)
        self.history = torch.zeros(count, 0, dtype=torch.long, device=device)  # (N, T)
        self.coverage: Tensor | None = None  # (N, S)
        if beam.coverage_penalty:
            self.coverage = torch.zeros(count, len(group.sources), device=device)

    def run(self, model: EncoderDecoder) -> list[list[Hypothesis]]:
        """The best outputs for each source of the batch."""
        memory, state = model.start(self.sources, self.lengths)
        tokens = torch.full_like(self.lengths, self.constraints.start_id)
        while self.places:
            logits, state, attention = model.step(tokens, state, memory)
            if self.coverage is not None:
                if attention is None:
                    raise InputError("a coverage penalty needs a model with attention; use 0")
                self.coverage = self.coverage + attention
            going, parents, tokens = self._grow(logits)
            best = zip(self.places, going[:, 0].tolist(), strict=True)
            keep = [row for row, each in enumerate(best) if not self._settled(*each)]
            if len(keep) < len(self.places):
                chosen = torch.tensor(keep, dtype=torch.long, device=going.device)
                memory = memory.select(chosen)
                self.limits = self.limits[chosen]
                self.places = [self.places[row] for row in keep]
                going, parents, tokens = going[chosen], parents[chosen], tokens[chosen]
            self.scores, rows, tokens = going, parents.flatten(), tokens.flatten()
            state = state.select(rows)
            self.history = torch.cat([self.history[rows], tokens.unsqueeze(1)], dim=1)
            if self.coverage is not None:
                self.coverage = self.coverage[rows]
        return [
            sorted(outputs, key=lambda output: -output.score)[: self.beam.n_best]
            for outputs in self.found
        ]

    def _grow(self, logits: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Record what ends; the scores, parent rows and tokens (B, K) of what does not."""
        count, width = self.scores.shape
        log_probs = logits.log_softmax(-1)
        full = (self.limits <= self.history.shape[1]).repeat_interleave(width)
        ends = self.constraints.apply(log_probs, self.history, full)
        # The K best of all are among the K best of each hypothesis.
        values, ids = log_probs.topk(min(self.beam.width, log_probs.shape[1]))
        if bool(values.isnan().any()):
            raise RunFailed("the model's probabilities are not numbers: its weights have NaN")
        totals = (self.scores.view(-1, 1) + values).view(count, -1)
        going, chosen = totals.topk(min(self.beam.width, totals.shape[1]))
        first = torch.arange(count, device=going.device).unsqueeze(1) * width
        parents = first + chosen // values.shape[1]
        self._end(self.scores + ends.view(count, width), going)
        return going, parents, ids.reshape(count, -1).gather(1, chosen)

    def _end(self, ending: Tensor, going: Tensor) -> None:
        """Record those of `ending` (B, k) that are among the K best of `ending` and `going`."""
        both = torch.cat([ending, going], dim=1)
        best = both.topk(min(self.beam.width, both.shape[1])).indices
        rows, ranks = (best < ending.shape[1]).nonzero(as_tuple=True)
        columns = best[rows, ranks]
        log_probs = ending[rows, columns].tolist()
        pairs = zip(rows.tolist(), columns.tolist(), log_probs, strict=True)
        for row, column, log_prob in pairs:
            if log_prob == -math.inf:
                continue
            place, hypothesis = self.places[row], row * ending.shape[1] + column
            tokens = tuple(self.history[hypothesis].tolist())
            score = log_prob / self.beam.lengthen(len(tokens) + 1)
            if self.coverage is not None:
                score += self.beam.cover(self.coverage[hypothesis, : int(self.lengths[place])])
            self.found[place].append(Hypothesis(tokens, log_prob, score))

    def _settled(self, place: int, going: float) -> bool:
        """Whether no unfinished hypothesis, of log-probability at most `going`, can matter."""
        outputs, beam = self.found[place], self.beam
        if going == -math.inf or len(outputs) >= beam.width:
            return True
        if len(outputs) < beam.n_best:
            return False
        worst = sorted((output.score for output in outputs), reverse=True)[beam.n_best - 1]
        # log p can only fall, and the longest output has the largest length penalty.
        return going / beam.lengthen(self.longest[place] + 1) <= worst
