"""Attention: which steps of a memory a query looks at, and what it reads there.

    a_ts = softmax over s of score(q_t, m_s)        c_t = Σ_s a_ts m_s

Legend: T queries, S memory steps, B batch, Q query, M memory, A attention.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod

import torch
from torch import Tensor, nn


class Attention(nn.Module, ABC):
    """Abstract: `keys` and `scores` come from the kinds below.

    Whatever of a score depends on the memory alone is computed once, as `keys`.
    """

    @abstractmethod
    def keys(self, memory: Tensor) -> Tensor:
        """What queries are compared with: memory (B, S, M) -> (B, S, ...)."""

    @abstractmethod
    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        """score(q_t, m_s): queries (B, T, Q) and keys (B, S, ...) -> (B, T, S)."""

    def forward(
        self, queries: Tensor, memory: Tensor, keys: Tensor, present: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Read the memory for each query.

        Args:
            queries: (B, T, Q).
            memory: (B, S, M).
            keys: what `keys(memory)` gave.
            present: (B, S) bool, false past the end of a row; each row has one true at least.

        Returns:
            The contexts c (B, T, M), and the weights a (B, T, S), which are 0 where `present`
            is false.
        """
        scores = self.scores(queries, keys).masked_fill(~present.unsqueeze(1), -math.inf)
        weights = torch.softmax(scores, dim=-1)
        return weights @ memory, weights


class DotAttention(Attention):
    """score(q, m) = q · m, for queries and memories of one width.

    Source: Luong et al. 2015, arXiv:1508.04025, equation 8, "dot".
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        if query_size != memory_size:
            raise ValueError(
                f"dot attention needs queries as wide as the memory, got {query_size} and "
                f"{memory_size}; use general attention"
            )

    def keys(self, memory: Tensor) -> Tensor:
        return memory

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        return queries @ keys.transpose(1, 2)


class GeneralAttention(Attention):
    """score(q, m) = q · W m, of any two widths.

    Source: Luong et al. 2015, arXiv:1508.04025, equation 8, "general".
    """

    def __init__(self, query_size: int, memory_size: int) -> None:
        super().__init__()
        self.weight = nn.Linear(memory_size, query_size, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        keys: Tensor = self.weight(memory)
        return keys

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        return queries @ keys.transpose(1, 2)


class AdditiveAttention(Attention):
    """score(q, m) = v · tanh(W q + U m + b), through a layer of width A.

    The query here is the decoder's present state, as in Luong's models; Bahdanau's is the state
    before.

    Source: Bahdanau et al. 2014, arXiv:1409.0473, section A.1.2.
    """

    def __init__(self, query_size: int, memory_size: int, size: int | None = None) -> None:
        super().__init__()
        size = query_size if size is None else size
        self.query = nn.Linear(query_size, size, bias=False)
        self.memory = nn.Linear(memory_size, size)
        self.score = nn.Linear(size, 1, bias=False)

    def keys(self, memory: Tensor) -> Tensor:
        keys: Tensor = self.memory(memory)
        return keys

    def scores(self, queries: Tensor, keys: Tensor) -> Tensor:
        together = self.query(queries).unsqueeze(2) + keys.unsqueeze(1)  # (B, T, S, A)
        scores: Tensor = self.score(torch.tanh(together)).squeeze(-1)
        return scores


ATTENTIONS: dict[str, type[DotAttention] | type[GeneralAttention] | type[AdditiveAttention]] = {
    "dot": DotAttention,
    "general": GeneralAttention,
    "additive": AdditiveAttention,
}
