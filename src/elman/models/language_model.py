"""The recurrent language model: the distribution of each token given all before it.

Legend: T time, B batch, E embedding, H hidden (of the last layer), V vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError
from elman.layers.lengths import Lengths, as_lengths
from elman.layers.regularize import Dropout, LockedDropout, dropout_mask, probability
from elman.layers.state import Active, State, only_active
from elman.models.readout import (
    IGNORE,
    AdaptiveReadout,
    FullReadout,
    Readout,
    SampledReadout,
    embedded,
)
from elman.models.stacked import StackedLayers, output_width

ReadoutKind = Literal["full", "adaptive", "sampled"]


class LanguageModel(nn.Module):
    """An embedding, recurrent layers, and a read-out over the vocabulary.

        e_t = embedding(token_t)        h_t = layers(e_t, h_{t-1})
        p(token_{t+1} | token_1 … token_t) = softmax(W h_t + b_y)

    Args:
        vocab_size: V.
        embedding_size: E, the input width of the first layer.
        layers: recurrent layers from E to H, each reading the outputs of the one before.
        tied: W is the embedding itself; where H differs from E, a projection H -> E comes first.
        embedding_dropout: the share of words dropped, each for a whole chunk (Merity 2017).
        input_dropout: on what enters the first layer.
        hidden_dropout: between layers.
        output_dropout: on what leaves the last layer.
        locked_dropout: those three draw one mask a chunk and keep it over time (Gal 2016); or
            else a new one at every step (Zaremba 2014).
        readout: "full", or "sampled" or "adaptive" where V is large (see `elman.models.readout`).
        init_range: draw the embedding, the read-out and the layers' matrices from
            U(-init_range, init_range) (Zaremba 2014). None keeps the layers as they are.

    Raises:
        InputError: sizes that do not fit together, or an option out of range.
    """

    item_axes = 0
    """A token of one stream is a number."""

    def __init__(
        self,
        vocab_size: int,
        embedding_size: int,
        layers: Sequence[nn.Module],
        *,
        tied: bool = False,
        embedding_dropout: float = 0.0,
        input_dropout: float = 0.0,
        hidden_dropout: float = 0.0,
        output_dropout: float = 0.0,
        locked_dropout: bool = True,
        readout: ReadoutKind = "full",
        init_range: float | None = None,
    ) -> None:
        super().__init__()
        self.vocab_size = vocab_size
        self.embedding = nn.Embedding(vocab_size, embedding_size)
        self.layers = StackedLayers(layers, hidden_dropout, locked=locked_dropout)
        if self.layers.bidirectional:
            raise InputError("a bidirectional layer would read the token to predict")
        self.embedding_dropout = probability("embedding_dropout", embedding_dropout)
        dropout = LockedDropout if locked_dropout else Dropout
        self.input_dropout = dropout(input_dropout)
        self.output_dropout = dropout(output_dropout)
        hidden_size = output_width(layers, embedding_size)
        projected = tied and hidden_size != embedding_size
        self.projection = nn.Linear(hidden_size, embedding_size, bias=False) if projected else None
        features = embedding_size if tied else hidden_size
        weight = self.embedding.weight if tied else None
        self.readout: Readout
        if readout == "full":
            self.readout = FullReadout(features, vocab_size, tied_to=weight)
        elif readout == "sampled":
            self.readout = SampledReadout(features, vocab_size, tied_to=weight)
        elif readout != "adaptive":
            raise InputError(
                f"readout must be one of {', '.join(get_args(ReadoutKind))}, got {readout!r}"
            )
        elif tied:
            raise InputError("an adaptive read-out has no weights to tie; use tied=False")
        else:
            self.readout = AdaptiveReadout(features, vocab_size)
        if init_range is not None:
            _initialize(self, init_range)
        elif tied:
            # W reads with the same numbers, so that logits start near 1 in size, not near √E.
            nn.init.normal_(self.embedding.weight, std=embedding_size**-0.5)

    def initial_state(self, batch_size: int) -> State:
        """The state before the first token, of all layers: ``layer0.h`` and so on."""
        return self.layers.initial_state(batch_size)

    def forward(
        self, tokens: Tensor, state: State, lengths: Tensor | None = None
    ) -> tuple[Tensor, State]:
        """Read `tokens` (T, B) on from `state`; features (T, B, H) and the state after them.

        `lengths` (B,) ends rows early: their state is that of their last real token. Features
        are what `loss` and `log_probs` take.

        Raises:
            InputError: ids outside of the vocabulary, or a state of another model or batch size.
        """
        state.require_like(self.initial_state(tokens.shape[1]), "the state given to this model")
        x = self.input_dropout(self._embed(tokens))
        x, state = self.layers(x, state, lengths)
        return self.output_dropout(x), state

    def loss(self, features: Tensor, targets: Tensor) -> tuple[Tensor, int]:
        """The mean nats per scored token, and how many tokens of `targets` (T, B) are scored.

        Targets of `IGNORE` are not. In training mode a sampled read-out gives an estimate.
        """
        flat = self._project(features).reshape(targets.numel(), -1)
        units = int((targets != IGNORE).sum())
        return self.readout.loss(flat, targets.reshape(-1)), units

    def log_probs(self, features: Tensor) -> Tensor:
        """The log-probability in nats of each next token, (…, V), for features (…, H)."""
        return self.readout.log_probs(self._project(features))

    def step(
        self, tokens: Tensor, state: State, *, active: Active | None = None
    ) -> tuple[Tensor, State]:
        """One token a row (B,): log-probabilities (B, V) of the next, and the state after it.

        Rows where the mask `active` (B,) is false keep their state to the bit and get zeros in
        place of log-probabilities. The state is not checked here, for speed; `Stream` checks it.
        """
        if active is not None:
            return only_active(self.step, tokens, state, active)
        x = self._embed(tokens[None])
        if self.training:
            x = self.input_dropout(x)
        x, state = self.layers.step(x[0], state)
        if self.training:
            x = self.output_dropout(x[None])[0]
        return self.log_probs(x), state

    def scan(
        self, tokens: Tensor, state: State, *, lengths: Lengths | None = None
    ) -> tuple[Tensor, State]:
        """`step` over a chunk (T, B): log-probabilities (T, B, V) and the state after it.

        With `lengths` (B,), 0 to T, outputs are zero past each row's end and the state is that
        after its last token; a row of length 0 keeps its state to the bit.
        """
        rows = None
        if lengths is not None:
            rows = as_lengths(lengths, len(tokens), tokens.shape[1], tokens.device)
        features, state = self(tokens, state, rows)
        found = self.log_probs(features)
        if rows is not None:
            past = torch.arange(len(tokens), device=rows.device).unsqueeze(1) >= rows
            found = found.masked_fill(past.unsqueeze(-1), 0)
        return found, state

    def _embed(self, tokens: Tensor) -> Tensor:
        vectors = embedded(self.embedding, tokens)
        if self.training and self.embedding_dropout:
            # Dropping rows of the matrix (V, E), without a copy of the matrix on every chunk.
            words = dropout_mask((self.vocab_size, 1), self.embedding_dropout, vectors)
            vectors = vectors * functional.embedding(tokens, words)
        return vectors

    def _project(self, features: Tensor) -> Tensor:
        return features if self.projection is None else self.projection(features)


def activation_penalty(features: Tensor, alpha: float, beta: float) -> Tensor:
    """AWD-LSTM's activation (AR) and temporal activation (TAR) regularization.

        alpha mean(h_t²) + beta mean((h_t - h_{t-1})²)

    over features (T, B, H), to be added to the loss in training. Here both are taken after the
    output dropout, whose mask is the same at t and t - 1; the authors take the second before it.

    Source: Merity et al. 2017, arXiv:1708.02182, section 4.7 (alpha 2, beta 1).
    """
    penalty = alpha * features.square().mean()
    if beta and len(features) > 1:
        penalty = penalty + beta * (features[1:] - features[:-1]).square().mean()
    return penalty


def _initialize(model: nn.Module, init_range: float) -> None:
    """Draw every matrix anew; biases, gains and learned initial states stay as they were made."""
    if not init_range > 0:
        raise InputError(f"init_range must be above 0, got {init_range}")
    for name, parameter in model.named_parameters():
        if parameter.dim() > 1 and "initial" not in name:
            nn.init.uniform_(parameter, -init_range, init_range)
