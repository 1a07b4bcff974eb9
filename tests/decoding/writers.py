"""Small networks that write, for the tests of decoding."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from elman.layers.state import State

START, END = 0, 1


class Toy(nn.Module):
    """A recurrent decoder with attention over embedded sources, of random weights in double.

    Nothing of it is made for speed, and what it writes depends on all that was written before.
    `seen` counts the hypotheses that were stepped.
    """

    def __init__(self, vocab_size: int = 5, hidden: int = 6, *, seed: int = 0) -> None:
        super().__init__()
        torch.manual_seed(seed)
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(50, hidden)
        self.cell = nn.GRUCell(2 * hidden, hidden)
        self.readout = nn.Linear(hidden, vocab_size)
        self.double().requires_grad_(False)
        for parameter in self.parameters():
            nn.init.normal_(parameter, std=1.2)
        self.seen = 0

    def start(self, sources: Tensor, lengths: Tensor) -> tuple[State, State]:
        present = torch.arange(len(sources)).unsqueeze(0) < lengths.unsqueeze(1)
        values = self.embedding(sources).transpose(0, 1) * present.unsqueeze(-1)
        return State(values=values, present=present), State(h=values.sum(1).tanh())

    def step(
        self, tokens: Tensor, state: State, memory: State
    ) -> tuple[Tensor, State, Tensor | None]:
        self.seen += len(tokens)
        values, present = memory["values"], memory["present"]
        h = state["h"].view(len(values), -1, state["h"].shape[-1])
        scores = (h @ values.transpose(1, 2)).masked_fill(~present.unsqueeze(1), -torch.inf)
        attention = scores.softmax(-1)
        read = (attention @ values).flatten(0, 1)
        after = self.cell(torch.cat([self.embedding(tokens), read], dim=-1), state["h"])
        return self.readout(after), State(h=after), attention.flatten(0, 1)


def sources(count: int = 7, seed: int = 3, longest: int = 6) -> list[list[int]]:
    generator = torch.Generator().manual_seed(seed)
    lengths = torch.randint(1, longest + 1, (count,), generator=generator).tolist()
    return [torch.randint(2, 50, (n,), generator=generator).tolist() for n in lengths]
