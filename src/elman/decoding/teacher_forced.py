"""A network follows outputs that are given: what they cost it, and where it looks meanwhile.

Legend: T steps, B sentences, S source, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.decoding.writer import Writer, grouped
from elman.streaming.stream import evaluating


@dataclass(frozen=True)
class Followed:
    """One output as the network sees it.

    Attributes:
        log_prob: nats, the end included.
        attention: (T, S), the weights on the source as each token is written, the end last; None
            of a model without attention.
    """

    log_prob: float
    attention: Tensor | None


def follow(
    model: Writer,
    sources: Sequence[Sequence[int]],
    outputs: Sequence[Sequence[int]],
    *,
    start_id: int,
    end_id: int,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
) -> list[Followed]:
    """Each output as the network sees it, one for one source.

    Args:
        model: see `Writer`; it runs in eval mode.
        sources: ids of each source, at least one.
        outputs: ids of each output, without the start and the end.
        start_id: what stands before the first token.
        end_id: what ends an output.
        batch_size: how many are followed side by side.
        device: where the model is.
    """
    found: list[Followed | None] = [None] * len(sources)
    with evaluating(model), torch.inference_mode():
        for places, ids, lengths in grouped(sources, batch_size, device):
            wanted = [[*outputs[place], end_id] for place in places]
            log_probs, attention = _walk(model, ids, lengths, wanted, start_id)
            for row, (place, tokens) in enumerate(zip(places, wanted, strict=True)):
                looked = None
                if attention is not None:
                    looked = attention[row, : len(tokens), : int(lengths[row])].cpu()
                found[place] = Followed(float(log_probs[row]), looked)
    return [each for each in found if each is not None]


def _walk(
    model: Writer, sources: Tensor, lengths: Tensor, outputs: list[list[int]], start_id: int
) -> tuple[Tensor, Tensor | None]:
    """Log-probabilities (B,) and attention (B, T, S) of `outputs`, ends included."""
    steps = max(map(len, outputs))
    memory, state = model.start(sources, lengths)
    tokens = torch.full_like(lengths, start_id)
    totals = torch.zeros(len(outputs), dtype=torch.float64, device=sources.device)
    looked: list[Tensor] = []
    for step in range(steps):
        logits, state, attention = model.step(tokens, state, memory)
        if attention is not None:
            looked.append(attention)
        # A row that has ended goes on with any token, whose cost is not counted.
        tokens = torch.tensor(
            [ids[min(step, len(ids) - 1)] for ids in outputs], device=sources.device
        )
        written = torch.tensor([step < len(ids) for ids in outputs], device=sources.device)
        costs = logits.log_softmax(-1).gather(1, tokens.unsqueeze(1)).squeeze(1)
        totals += torch.where(written, costs, 0.0)
    return totals, torch.stack(looked, dim=1) if looked else None
