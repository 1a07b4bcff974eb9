"""The recurrent classifier: a label for a whole sequence, or one for every step of it.

Legend: T time, B batch, E input width, F features of a step, K classes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

import torch
from torch import Tensor, nn

from elman.errors import InputError
from elman.layers.regularize import Dropout, LockedDropout, dropout_mask, probability
from elman.layers.state import Active, State, only_active
from elman.models.pooling import Pooling, PoolingKind, make_pooling
from elman.models.stacked import StackedLayers


class Classifier(nn.Module):
    """An embedding (or numbers as they are), recurrent layers, a pooling, a read-out.

        y_1 … y_T = layers(e_1 … e_T)
        logits = W pool(y_1 … y_T) + b          of the whole, or
        logits_t = W y_t + b                    of every step

    Steps past a row's length cost nothing and change nothing.

    Args:
        embedding: items (T, B, …), such as ids, to vectors (T, B, E); None where the inputs are
            vectors.
        layers: recurrent layers from E to F, each reading the outputs of the one before.
        features: F, the width that leaves the last layer, both directions together.
        classes: K.
        pooling: how a sequence becomes one vector; None for a label at every step.
        word_dropout: the share of steps whose vector is dropped whole (Iyyer 2015).
        input_dropout: on what enters the first layer.
        hidden_dropout: between layers.
        output_dropout: on what the read-out reads.
        locked_dropout: the last three draw one mask a sequence and keep it over time.
        item_axes: the axes of an item of one stream: 0 for an id, 1 for a vector, 2 for a window of
            frames.

    Attributes:
        temperature: what logits are divided by before they are called probabilities (Guo 2017).
            It is fitted on validation data and has no part in training.
        paces: how fast each parameter learns, for an optimizer that asks; by default all alike.
    """

    temperature: Tensor
    paces: Mapping[str, Any]

    def __init__(
        self,
        embedding: nn.Module | None,
        layers: Sequence[nn.Module],
        features: int,
        classes: int,
        *,
        pooling: PoolingKind | None = "last",
        word_dropout: float = 0.0,
        input_dropout: float = 0.0,
        hidden_dropout: float = 0.0,
        output_dropout: float = 0.0,
        locked_dropout: bool = True,
        item_axes: int | None = None,
    ) -> None:
        super().__init__()
        self.embedding = embedding
        self.item_axes = int(embedding is None) if item_axes is None else item_axes
        self.layers = StackedLayers(layers, hidden_dropout, locked=locked_dropout)
        self.bidirectional = self.layers.bidirectional
        self.pooling: Pooling | None = None
        if pooling is not None:
            self.pooling = make_pooling(pooling, features, bidirectional=self.bidirectional)
        self.readout = nn.Linear(features if self.pooling is None else self.pooling.width, classes)
        self.word_dropout = probability("word_dropout", word_dropout)
        dropout = LockedDropout if locked_dropout else Dropout
        self.input_dropout = dropout(input_dropout)
        self.output_dropout = dropout(output_dropout)
        self.register_buffer("temperature", torch.ones(()))
        self.paces = {}

    def forward(self, inputs: Tensor, lengths: Tensor) -> Tensor:
        """Logits (B, K), or of each step (T, B, K), of items (T, B, …).

        `lengths` (B,) are the numbers of real steps.
        """
        return self.from_embedded(self.embed(inputs), lengths)

    def embed(self, inputs: Tensor) -> Tensor:
        """What the first layer reads, (T, B, E), before any dropout."""
        return inputs if self.embedding is None else cast("Tensor", self.embedding(inputs))

    def from_embedded(self, x: Tensor, lengths: Tensor) -> Tensor:
        """Logits of what `embed` gave."""
        if self.training and self.word_dropout:
            x = x * dropout_mask((*x.shape[:2], 1), self.word_dropout, x)
        x, _ = self.layers(self.input_dropout(x), lengths=lengths)
        if self.pooling is not None:
            x = self.pooling(x, lengths)[None]
        logits = self.readout(self.output_dropout(x))
        return cast("Tensor", logits if self.pooling is None else logits[0])

    def initial_state(self, batch_size: int) -> State:
        """The state before the first step, what the pooling knows included."""
        self._require_one_direction()
        state = self.layers.initial_state(batch_size)
        if self.pooling is None:
            return state
        like = self.readout.weight.new_zeros(batch_size, 1)
        return state.beside(State.join({"pooling": self.pooling.begin(like)}))

    def step(
        self, item: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One item of each row, (B, …): the logits (B, K) of all so far.

        After the last step of a sequence they are what `forward` gives for the whole. Rows where
        the mask `active` (B,) is false keep their state to the bit and get zero logits.
        """
        if active is not None:
            return only_active(self.step, item, state, active)
        return self.step_embedded(self.embed(item[None])[0], state)

    def step_embedded(self, x: Tensor, state: State) -> tuple[Tensor, State]:
        """`step` on what `embed` gave for one item of each row, (B, E)."""
        self._require_one_direction()
        if self.training:
            x = self.input_dropout(x[None])[0]
        x, state = self.layers.step(x, state)
        if self.pooling is not None:
            pooled = self.pooling.take_in(x, state.part("pooling"))
            x = self.pooling.result(pooled)
            state = state.with_parts({"pooling": pooled})
        if self.training:
            x = self.output_dropout(x[None])[0]
        return self.readout(x), state

    def _require_one_direction(self) -> None:
        if self.bidirectional:
            raise InputError("a bidirectional classifier has to see the end before it can begin")
