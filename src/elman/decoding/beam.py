"""Beam search: the most probable outputs of a network that writes one token at a time.

Legend: B sentences, K hypotheses of each (the beam), N = B · K rows, S source, V vocabulary.
"""

from __future__ import annotations

from typing import Protocol

from torch import Tensor

from elman.layers.state import State


class Writer(Protocol):
    """p(token | the tokens before it, a source), one step at a time.

    What is read at every step (the encoder's outputs, projected once, and their mask) is kept
    apart from what every step changes: `memory` has one row a sentence, however many hypotheses
    it has, and only `state` follows the hypotheses. Both are a `State`, so that rows can be
    chosen and left out.
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
            logits: (N, V), whose softmax is the distribution of the next token. They are the
                caller's to write on.
            state: N rows, after this step.
            attention: (N, S) weights that sum to 1 over each source, 0 beyond its end; None
                of a model without attention.
        """
        ...
