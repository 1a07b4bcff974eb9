"""Encoder-decoder models: their interface, constraints on outputs, and scores of given outputs.

Legend: B sources, K hypotheses of each, N = B · K rows, S source, T output so far, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from elman.errors import InputError
from elman.layers.state import State
from elman.streaming.stream import evaluating

TOKENS_AT_ONCE = 1 << 14
"""The most tokens of a batch of several sources, padding included."""


class EncoderDecoder(Protocol):
    """p(token | the tokens before it, a source), one step at a time.

    What every step reads (the encoder's outputs, projected once, and their mask) is kept apart from
    what every step changes: `memory` has one row for each source, however many hypotheses it has,
    and `state` one for each hypothesis. Both are a `State`, so that rows can be selected.
    """

    def start(self, sources: Tensor, lengths: Tensor) -> tuple[State, State]:
        """Read `sources` (S, B) of `lengths` (B,): the memory and the first state, B rows each."""
        ...

    def step(
        self, tokens: Tensor, state: State, memory: State
    ) -> tuple[Tensor, State, Tensor | None]:
        """One token a hypothesis: tokens (N,), a state of N rows, a memory of B rows.

        N is a multiple of B: row ``b * K + k`` of tokens and state is hypothesis k of the
        memory's row b, so that attention is one product of (B, K, H) with (B, H, S).

        Returns:
            logits: (N, V), whose softmax is the distribution of the next token. The
                caller may change them in place.
            state: N rows, after this step.
            attention: (N, S) weights that sum to 1 over each source, 0 beyond its end; None
                of a model without attention.
        """
        ...


@dataclass(frozen=True)
class Hypothesis:
    """One output of a model.

    Attributes:
        tokens: without the start and the end.
        log_prob: nats, the end included.
        score: by which the outputs for one source are ranked.
    """

    tokens: tuple[int, ...]
    log_prob: float
    score: float


@dataclass(frozen=True)
class Constraints:
    """Which outputs are allowed.

    Attributes:
        start_id: stands before the first token and is never part of an output.
        end_id: ends an output.
        never: other ids that are never part of an output.
        max_length: the most tokens, the end not counted.
        max_ratio: the most tokens as a multiple of the source's; None for no such limit.
        min_length: the fewest tokens, unless nothing but the end is allowed.
        no_repeat: n, where no n-gram may occur twice; 0 allows all.
    """

    start_id: int
    end_id: int
    never: tuple[int, ...] = ()
    max_length: int = 256
    max_ratio: float | None = 3.0
    min_length: int = 0
    no_repeat: int = 0

    def __post_init__(self) -> None:
        if self.max_length < 1:
            raise InputError(f"max_length must be at least 1, got {self.max_length}")
        if self.max_ratio is not None and not 0 < self.max_ratio < math.inf:
            raise InputError(f"max_ratio must be above 0, or None, got {self.max_ratio}")
        if not 0 <= self.min_length <= self.max_length:
            raise InputError(
                f"min_length must be from 0 to max_length, {self.max_length}, got {self.min_length}"
            )
        if self.no_repeat < 0:
            raise InputError(f"no_repeat must be at least 0, got {self.no_repeat}")

    def limits(self, lengths: Tensor) -> Tensor:
        """The most tokens (B,) of outputs for sources of `lengths` (B,)."""
        if self.max_ratio is None:
            return torch.full_like(lengths, self.max_length)
        limits = (lengths * self.max_ratio).ceil().long()
        return limits.clamp(max(self.min_length, 1), self.max_length)

    def apply(self, log_probs: Tensor, history: Tensor, full: Tensor) -> Tensor:
        """Set tokens that must not come next to -inf in `log_probs` (N, V); return the end's.

        `history` (N, T) holds the tokens so far, and `full` (N,) says which rows have reached
        their limit. The end (N,) itself is set to -inf in it as well: what remains does not end.
        """
        ends = log_probs[:, self.end_id].clone()
        log_probs[:, [self.start_id, self.end_id, *self.never]] = -math.inf
        n = self.no_repeat
        if n and history.shape[1] >= n:
            seen = history.unfold(1, n, 1)  # (N, T - n + 1, n)
            last = history[:, history.shape[1] - n + 1 :]
            rows, places = (seen[:, :, :-1] == last.unsqueeze(1)).all(-1).nonzero(as_tuple=True)
            log_probs[rows, seen[rows, places, -1]] = -math.inf
        log_probs[full] = -math.inf
        if history.shape[1] < self.min_length:
            ends.masked_fill_(log_probs.amax(-1) > -math.inf, -math.inf)
        return ends


class SourceBatch(NamedTuple):
    """Sources decoded side by side: their places in the list, ids (S, B) and lengths (B,)."""

    places: list[int]
    sources: Tensor
    lengths: Tensor


def source_batches(
    sources: Sequence[Sequence[int]], size: int, device: torch.device | str = "cpu"
) -> Iterator[SourceBatch]:
    """Batches of sources of similar length, the longest first: `size` each, or fewer long ones."""
    order = sorted(range(len(sources)), key=lambda place: -len(sources[place]))
    if order and not len(sources[order[-1]]):
        raise ValueError(f"source {order[-1]} has no tokens")
    begin = 0
    while begin < len(order):
        fit = max(1, TOKENS_AT_ONCE // len(sources[order[begin]]))
        places = order[begin : begin + min(size, fit)]
        begin += len(places)
        lengths = torch.tensor([len(sources[place]) for place in places])
        ids = pad_sequence([torch.as_tensor(sources[p], dtype=torch.long) for p in places])
        yield SourceBatch(places, ids.to(device), lengths.to(device))


@dataclass(frozen=True)
class ScoredOutput:
    """log p(output | source) in nats, the end included, and the attention (T, S), if any."""

    log_prob: float
    attention: Tensor | None


def score_outputs(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]],
    *,
    start_id: int,
    end_id: int,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
) -> list[ScoredOutput]:
    """What the model says of each output, given its source and its own true tokens before."""
    found: list[ScoredOutput | None] = [None] * len(sources)
    with evaluating(model), torch.inference_mode():
        for places, ids, lengths in source_batches(sources, batch_size, device):
            wanted = [[*outputs[place], end_id] for place in places]
            log_probs, attention = _score_batch(model, ids, lengths, wanted, start_id)
            for row, (place, tokens) in enumerate(zip(places, wanted, strict=True)):
                seen = None
                if attention is not None:
                    seen = attention[row, : len(tokens), : int(lengths[row])].cpu()
                found[place] = ScoredOutput(float(log_probs[row]), seen)
    return [each for each in found if each is not None]


def _score_batch(
    model: EncoderDecoder, sources: Tensor, lengths: Tensor, outputs: list[list[int]], start_id: int
) -> tuple[Tensor, Tensor | None]:
    """Log-probabilities (B,) and attention (B, T, S) of `outputs`, ends included."""
    steps = max(map(len, outputs))
    memory, state = model.start(sources, lengths)
    tokens = torch.full_like(lengths, start_id)
    totals = torch.zeros(len(outputs), dtype=torch.float64, device=sources.device)
    seen: list[Tensor] = []
    for step in range(steps):
        logits, state, attention = model.step(tokens, state, memory)
        if attention is not None:
            seen.append(attention)
        # A row that has ended reads some token, which is not counted.
        tokens = torch.tensor(
            [ids[min(step, len(ids) - 1)] for ids in outputs], device=sources.device
        )
        written = torch.tensor([step < len(ids) for ids in outputs], device=sources.device)
        costs = logits.log_softmax(-1).gather(1, tokens.unsqueeze(1)).squeeze(1)
        totals += torch.where(written, costs, 0.0)
    return totals, torch.stack(seen, dim=1) if seen else None
