"""The small Transformer that recurrent models are set beside: decoder only, learned positions.

Sizes and schedule are those of the CPU setting in nanoGPT's README (github.com/karpathy/nanoGPT):
4 layers, 4 heads, 128 wide, block 64, batch 12, 2000 iterations. The code is our own.

Legend: T time, B batch, E width, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.quality.curves import Point


@dataclass(frozen=True)
class TransformerRecipe:
    """Sizes and training; learning rates follow a cosine from the peak to the floor."""

    layers: int = 4
    heads: int = 4
    width: int = 128
    block: int = 64
    batch_size: int = 12
    steps: int = 2000
    peak: float = 1e-3
    floor: float = 1e-4
    warmup: int = 100
    weight_decay: float = 0.1
    betas: tuple[float, float] = (0.9, 0.99)
    clip_norm: float = 1.0
    eval_every: int = 250

    def learning_rate(self, step: int) -> float:
        """The rate of the update that follows `step` updates."""
        if step < self.warmup:
            return self.peak * (step + 1) / (self.warmup + 1)
        done = (step - self.warmup) / (self.steps - self.warmup)
        return self.floor + (self.peak - self.floor) * (1 + math.cos(math.pi * done)) / 2


class Block(nn.Module):
    """x + attention(norm(x)), then x + feed_forward(norm(x)), each seeing only the past."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.LayerNorm(width, bias=False)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.attention_out = nn.Linear(width, width, bias=False)
        self.forward_norm = nn.LayerNorm(width, bias=False)
        self.forward_in = nn.Linear(width, 4 * width, bias=False)
        self.forward_out = nn.Linear(4 * width, width, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """(B, T, E) to (B, T, E)."""
        rows, steps, width = x.shape
        mixed = self.query_key_value(self.attention_norm(x))
        query, key, value = mixed.view(rows, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        read = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.attention_out(read.transpose(1, 2).reshape(rows, steps, width))
        added: Tensor = self.forward_out(functional.gelu(self.forward_in(self.forward_norm(x))))
        return x + added


class Transformer(nn.Module):
    """Logits of each next token from a window of at most `block` tokens; read-out tied."""

    def __init__(self, vocab_size: int, recipe: TransformerRecipe) -> None:
        super().__init__()
        self.tokens = nn.Embedding(vocab_size, recipe.width)
        self.positions = nn.Embedding(recipe.block, recipe.width)
        self.blocks = nn.Sequential(
            *(Block(recipe.width, recipe.heads) for _ in range(recipe.layers))
        )
        self.norm = nn.LayerNorm(recipe.width, bias=False)
        for name, parameter in self.named_parameters():
            if parameter.dim() > 1:
                # What adds to the residual stream starts smaller, the more layers add to it.
                residual = name.endswith(("attention_out.weight", "forward_out.weight"))
                scale = math.sqrt(2 * recipe.layers) if residual else 1.0
                nn.init.normal_(parameter, std=0.02 / scale)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, T) ids to logits (B, T, V)."""
        places = torch.arange(tokens.shape[1], device=tokens.device)
        x = self.blocks(self.tokens(tokens) + self.positions(places))
        return functional.linear(self.norm(x), self.tokens.weight)


def windows_loss(model: Transformer, ids: Tensor, block: int, batch_size: int = 64) -> float:
    """Nats per token over all of `ids` (N,), cut into windows of `block` that don't overlap."""
    count = (len(ids) - 1) // block
    inputs = ids[: count * block].view(count, block)
    targets = ids[1 : count * block + 1].view(count, block)
    model.eval()
    total = 0.0
    with torch.inference_mode():
        for rows in range(0, count, batch_size):
            logits = model(inputs[rows : rows + batch_size])
            wanted = targets[rows : rows + batch_size]
            total += float(
                functional.cross_entropy(logits.flatten(0, 1), wanted.flatten(), reduction="sum")
            )
    model.train()
    return total / (count * block)


def train(
    training: Tensor, validation: Tensor, vocab_size: int, recipe: TransformerRecipe, seed: int
) -> Iterator[Point]:
    """Train on random windows of `training` (N,); a reading at each evaluation.

    Only training counts in the seconds. The loss is over the whole of `validation`.
    """
    torch.manual_seed(seed)
    model = Transformer(vocab_size, recipe)
    groups: list[dict[str, Any]] = [
        {"params": [p for p in model.parameters() if p.dim() > 1]},
        {"params": [p for p in model.parameters() if p.dim() <= 1], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(
        groups, recipe.peak, recipe.betas, weight_decay=recipe.weight_decay, fused=True
    )
    span = torch.arange(recipe.block + 1)
    seconds = 0.0
    for step in range(recipe.steps):
        began = perf_counter()
        starts = torch.randint(len(training) - recipe.block, (recipe.batch_size, 1))
        rows = training[starts + span]
        for group in optimizer.param_groups:
            group["lr"] = recipe.learning_rate(step)
        logits = model(rows[:, :-1])
        loss = functional.cross_entropy(logits.flatten(0, 1), rows[:, 1:].flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
        optimizer.step()
        seconds += perf_counter() - began
        done = step + 1
        if done % recipe.eval_every == 0 or done == recipe.steps:
            yield Point(done, seconds, windows_loss(model, validation, recipe.block))
