"""Outputs drawn from a network's distribution, one for each source.

Legend: B sentences, T output so far, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from elman.decoding.sampling import sample
from elman.decoding.writer import Group, Rules, Writer, Written, grouped
from elman.streaming.stream import evaluating


def draw(
    model: Writer,
    sources: Sequence[Sequence[int]],
    rules: Rules,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
    batch_size: int = 128,
    device: torch.device | str = "cpu",
) -> list[Written]:
    """One output for each source, each token drawn; at temperature 0 the most probable one.

    The score of an output is its mean log-probability per token, as the model gave it: not that
    of the distribution that was reshaped to draw from.

    Args:
        model: see `Writer`; it runs in eval mode.
        sources: ids of each source, at least one.
        rules: what an output may be.
        temperature: this, `top_k`, `top_p` and `generator` as for `sample`.
        top_k: draw from so many of the most probable.
        top_p: draw from the fewest that together have this probability.
        generator: makes the draw reproducible, for the same sources and `batch_size`.
        batch_size: sentences written side by side.
        device: where the model is.

    Raises:
        InputError: an option out of range.
        RunFailed: probabilities that are not numbers.
    """

    def choose(log_probs: Tensor) -> Tensor:
        return sample(log_probs, temperature, top_k, top_p, generator)

    found: list[Written] = [Written((), 0.0, 0.0)] * len(sources)
    with evaluating(model), torch.inference_mode():
        for group in grouped(sources, batch_size, device):
            outputs = _write(model, group, rules, choose)
            for place, output in zip(group.places, outputs, strict=True):
                found[place] = output
    return found


def _write(
    model: Writer, group: Group, rules: Rules, choose: Callable[[Tensor], Tensor]
) -> list[Written]:
    """The output of each source of the group."""
    places = torch.arange(len(group.places))
    limits, tokens = rules.limits(group.lengths), torch.full_like(group.lengths, rules.start_id)
    totals = torch.zeros(len(places), dtype=torch.float64, device=tokens.device)
    history = tokens.new_empty(len(places), 0)
    memory, state = model.start(group.sources, group.lengths)
    found: dict[int, Written] = {}
    while len(places):
        logits, state, _ = model.step(tokens, state, memory)
        log_probs = logits.log_softmax(-1)
        allowed = log_probs.clone()
        ends = rules.apply(allowed, history, limits <= history.shape[1])
        allowed[:, rules.end_id] = ends
        tokens = choose(allowed)
        totals = totals + log_probs.gather(1, tokens.unsqueeze(1)).squeeze(1)
        ended = tokens == rules.end_id
        for row in ended.nonzero().flatten().tolist():
            ids, nats = tuple(history[row].tolist()), float(totals[row])
            found[int(places[row])] = Written(ids, nats, nats / (len(ids) + 1))
        history = torch.cat([history, tokens.unsqueeze(1)], dim=1)
        keep = (~ended).nonzero().flatten()
        if len(keep) < len(places):
            memory, state, places = memory.select(keep), state.select(keep), places[keep.cpu()]
            limits, tokens, totals = limits[keep], tokens[keep], totals[keep]
            history = history[keep]
    return [found[place] for place in range(len(group.places))]
