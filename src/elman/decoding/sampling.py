"""Drawing tokens from a model's distribution.

Legend: T time, B batch, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import torch
from torch import Tensor
from torch.nn import functional

from elman.errors import InputError, RunFailed
from elman.streaming.stream import Item, Stream

PROMPT_AT_ONCE = 64
"""A prompt is read in chunks of so many tokens, so that a long one needs no more memory."""


def shape_distribution(
    log_probs: Tensor, *, temperature: float = 1.0, top_k: int | None = None, top_p: float = 1.0
) -> Tensor:
    """The distribution that `sample` draws from: probabilities (B, V) in double precision.

    In this order: p_i ∝ exp(log p_i / temperature); only the `top_k` most probable stay; of
    these, renormalized, only the fewest that together reach `top_p` (nucleus sampling). The first
    always stays, and of equals the one with the lower id goes first. Temperature 0 puts all
    probability on the most probable.

    Source: top-k, Fan et al. 2018, arXiv:1805.04833; top-p, Holtzman et al. 2020,
    arXiv:1904.09751.
    """
    _check(temperature, top_k, top_p)
    vocab_size = log_probs.shape[-1]
    if temperature == 0:
        top_k, temperature = 1, 1.0
    scaled = log_probs.double() / temperature
    if not bool(torch.isfinite(torch.logsumexp(scaled, dim=-1)).all()):
        raise RunFailed("the model's probabilities are not numbers: its weights or state have NaN")
    if (top_k is None or top_k >= vocab_size) and top_p == 1:
        return torch.softmax(scaled, dim=-1)
    ordered, ids = torch.sort(scaled, dim=-1, descending=True, stable=True)
    if top_k is not None:
        ordered[:, top_k:] = -math.inf
    probs = torch.softmax(ordered, dim=-1)
    if top_p < 1:
        # A token goes when those before it reach top_p already: the one that reaches it stays.
        before = functional.pad(probs.cumsum(dim=-1)[:, :-1], (1, 0))
        probs = probs.masked_fill(before >= top_p, 0.0)
        probs = probs / probs.sum(dim=-1, keepdim=True)
    return torch.zeros_like(probs).scatter(-1, ids, probs)


def sample(
    log_probs: Tensor,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Draw one id for each row of `log_probs` (B, V), normalized or not: ids (B,).

    A temperature above 1 evens the distribution out, below 1 sharpens it, 0 is greedy; `top_k` and
    `top_p` leave the most probable; a generator makes the draw reproducible.
    """
    probs = shape_distribution(log_probs, temperature=temperature, top_k=top_k, top_p=top_p)
    # By the inverse of the cumulative distribution: one number a row, whatever the options are.
    # It is below 1, so what it points at has probability, even where the last tokens have none.
    cumulative = probs.cumsum(dim=-1)
    uniform = torch.rand(
        len(probs), 1, dtype=torch.float64, device=probs.device, generator=generator
    )
    return torch.searchsorted(cumulative, uniform * cumulative[:, -1:], right=True).squeeze(-1)


def generate(
    stream: Stream,
    prompt: Item,
    length: int,
    *,
    temperature: float = 1.0,
    top_k: int | None = None,
    top_p: float = 1.0,
    generator: torch.Generator | None = None,
) -> Iterator[Tensor]:
    """Draw `length` tokens a row, each pushed before the next is drawn.

    The state is carried, so a step costs the same however long the text is. The token yielded
    last has not been pushed: to go on later, keep ``stream.state`` with it, and give it as the
    prompt. The prompt is at least one token, (B,) or (T, B) ids, or () or (T,) without a batch;
    the options are those of `sample`, and a bad one is refused at once.
    """
    _check(temperature, top_k, top_p)
    if length < 0:
        raise InputError(f"length must be at least 0, got {length}")

    def draw() -> Iterator[Tensor]:
        batched = stream.batch_size is not None
        pushed = prompt
        if length and (ids := torch.as_tensor(prompt)).dim() == 1 + batched:
            *before, pushed = torch.split(ids, PROMPT_AT_ONCE)
            for piece in before:
                stream.push(piece)
        for _ in range(length):
            log_probs = stream.push(pushed)
            if log_probs.dim() == 2 + batched:  # the prompt was a chunk
                log_probs = log_probs[-1]
            rows = log_probs if batched else log_probs[None]
            ids = sample(rows, temperature, top_k, top_p, generator)
            pushed = ids if batched else ids[0]
            yield pushed

    return draw()


def _check(temperature: float, top_k: int | None, top_p: float) -> None:
    if not 0 <= temperature < math.inf:
        raise InputError(f"temperature must be a number from 0 up, got {temperature}")
    if top_k is not None and top_k < 1:
        raise InputError(f"top_k must be at least 1, got {top_k}")
    if not 0 < top_p <= 1:
        raise InputError(f"top_p must be above 0 and at most 1, got {top_p}")
