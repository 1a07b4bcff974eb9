"""Ancestral sampling: each token of an output is drawn given all tokens before it.

Legend: B sources, T output so far, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor

from elman.decoding.encoder_decoder import (
    Constraints,
    EncoderDecoder,
    Hypothesis,
    SourceBatch,
    source_batches,
)
from elman.decoding.sampling import sample
from elman.streaming.stream import evaluating


def ancestral_sampling(
    model: EncoderDecoder,
    sources: Sequence[Sequence[int]],
    constraints: Constraints,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
) -> list[Hypothesis]:
    """One sampled output for each source; at temperature 0 the most probable token each time.

    The score of an output is its mean log-probability per token under the model itself, not under
    the distribution as temperature, top-k and top-p have changed it. A generator gives the same
    outputs for the same sources and `batch_size`.
    """
    choose = partial(sample, temperature=temperature, top_k=top_k, top_p=top_p, generator=generator)
    found: list[Hypothesis] = [Hypothesis((), 0.0, 0.0)] * len(sources)
    with evaluating(model), torch.inference_mode():
        for group in source_batches(sources, batch_size, device):
            outputs = _sample_batch(model, group, constraints, choose)
            for place, output in zip(group.places, outputs, strict=True):
                found[place] = output
    return found


def _sample_batch(
    model: EncoderDecoder,
    group: SourceBatch,
    constraints: Constraints,
    choose: Callable[[Tensor], Tensor],
) -> list[Hypothesis]:
    """The output for each source of the batch."""
    places = torch.arange(len(group.places))
    limits, tokens = (
        constraints.limits(group.lengths),
        torch.full_like(group.lengths, constraints.start_id),
    )
    totals = torch.zeros(len(places), dtype=torch.float64, device=tokens.device)
    history = tokens.new_empty(len(places), 0)
    memory, state = model.start(group.sources, group.lengths)
    found: dict[int, Hypothesis] = {}
    while len(places):
        logits, state, _ = model.step(tokens, state, memory)
        log_probs = logits.log_softmax(-1)
        allowed = log_probs.clone()
        ends = constraints.apply(allowed, history, limits <= history.shape[1])
        allowed[:, constraints.end_id] = ends
        tokens = choose(allowed)
        totals = totals + log_probs.gather(1, tokens.unsqueeze(1)).squeeze(1)
        ended = tokens == constraints.end_id
        for row in ended.nonzero().flatten().tolist():
            ids, nats = tuple(history[row].tolist()), float(totals[row])
            found[int(places[row])] = Hypothesis(ids, nats, nats / (len(ids) + 1))
        history = torch.cat([history, tokens.unsqueeze(1)], dim=1)
        keep = (~ended).nonzero().flatten()
        if len(keep) < len(places):
            memory, state, places = memory.select(keep), state.select(keep), places[keep.cpu()]
            limits, tokens, totals = limits[keep], tokens[keep], totals[keep]
            history = history[keep]
    return [found[place] for place in range(len(group.places))]
