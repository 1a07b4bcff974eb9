"""Teacher forcing: the probability of given outputs, and the attention at each of their tokens.

Legend: T steps, B sources, S source, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.decoding.encoder_decoder import EncoderDecoder, source_batches
from elman.streaming.stream import evaluating


@dataclass(frozen=True)
class ScoredOutput:
    """What a model says of one output.

    Attributes:
        log_prob: log p(output | source) in nats, the end included.
        attention: (T, S), the weights on the source at each token, the end last; None for a model
            without attention.
    """

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
