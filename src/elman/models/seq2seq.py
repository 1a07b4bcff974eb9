"""From one sequence to another: a bidirectional encoder, attention and a decoder.

Legend: S source steps, T target steps, B batch, K hypotheses a source, N = B K rows, E embedding,
H decoder's hidden, M memory (the encoder's outputs), F features, V target vocabulary.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError
from elman.layers.attention import Attention
from elman.layers.regularize import Dropout
from elman.layers.state import State
from elman.models.readout import IGNORE, FullReadout, embedded
from elman.models.stacked import StackedLayers


class Seq2Seq(nn.Module):
    """A bidirectional encoder and a decoder with attention over the encoder's outputs.

        m_1 … m_S = encoder(source)
        h_t = decoder(e(y_{t-1}), h_{t-1})              or, with input feeding,
        h_t = decoder([e(y_{t-1}); f_{t-1}], h_{t-1})
        c_t = attention(h_t, m)
        f_t = tanh(W_c [c_t; h_t])
        p(y_t | y_1 … y_{t-1}, source) = softmax(W f_t + b)

    Without input feeding attention is no part of the recurrence: in training the decoder runs over
    all steps in one call, and attention is one product over all steps.

    Source: Luong et al. 2015, arXiv:1508.04025, equations 5 and 6, and section 3.3.

    Args:
        source_vocab_size: ids of the source.
        target_vocab_size: V.
        embedding_size: E of both sides.
        encoder: layers, each reading the outputs of the one before; the first reads E.
        decoder: likewise, in one direction; with input feeding the first reads E + F.
        attention: from queries H to the memory M.
        memory_size: M, the output width of the last encoder layer.
        hidden_size: H, the output width of the last decoder layer.
        tied: "none"; "decoder": W is the target's embedding; "all": it is the source's embedding
            too, which needs a joint vocabulary (Press & Wolf 2017).
        input_feeding: whether the features of a step are an input of the next one.
        dropout: on embeddings, between layers and on features, new at every step.

    Raises:
        InputError: sizes that do not fit together.
    """

    def __init__(
        self,
        source_vocab_size: int,
        target_vocab_size: int,
        embedding_size: int,
        encoder: Sequence[nn.Module],
        decoder: Sequence[nn.Module],
        attention: Attention,
        *,
        memory_size: int,
        hidden_size: int,
        tied: str = "decoder",
        input_feeding: bool = False,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        if tied == "all" and source_vocab_size != target_vocab_size:
            raise InputError(
                f"--tied all: the vocabularies differ ({source_vocab_size} and"
                f" {target_vocab_size} ids); use --vocabulary joint or --tied decoder"
            )
        self.target_vocab_size = target_vocab_size
        self.input_feeding = input_feeding
        self.feature_size = feature_size(tied, embedding_size, hidden_size)
        self.target_embedding = nn.Embedding(target_vocab_size, embedding_size)
        self.source_embedding = (
            self.target_embedding
            if tied == "all"
            else nn.Embedding(source_vocab_size, embedding_size)
        )
        for table in (self.source_embedding, self.target_embedding):
            nn.init.normal_(table.weight, std=embedding_size**-0.5)
        self.encoder = StackedLayers(encoder, dropout, locked=False)
        self.decoder = StackedLayers(decoder, dropout, locked=False)
        self.attention = attention
        self.bridges = nn.ModuleList(
            Bridge(final, initial)
            for final, initial in self._bridged(
                self.encoder.initial_state(1), self.decoder.initial_state(1)
            )
        )
        self.combine = nn.Linear(memory_size + hidden_size, self.feature_size, bias=False)
        self.readout = FullReadout(
            self.feature_size,
            target_vocab_size,
            tied_to=None if tied == "none" else self.target_embedding.weight,
        )
        self.dropout = Dropout(dropout)

    def forward(
        self, source: Tensor, lengths: Tensor, inputs: Tensor, *, sampling: float = 0.0
    ) -> Tensor:
        """The features (T, B, F) of each target step, given the true targets before it.

        `source` (S, B) has `lengths` (B,) real ids, at least 1. The decoder reads `inputs` (T, B),
        the start token, then the target. `sampling` is the probability that an input after
        the first is drawn from the model's own distribution (scheduled sampling, Bengio et al.
        2015, arXiv:1506.03099).
        """
        memory, state = self.start(source, lengths)
        if self.input_feeding or sampling:
            return self._step_by_step(inputs, memory, state, sampling)
        x = self.dropout(embedded(self.target_embedding, inputs))
        x, _ = self.decoder(x, state)
        features, _ = self._attend(x.transpose(0, 1), memory)
        return features.transpose(0, 1)

    def loss(self, features: Tensor, targets: Tensor, smoothing: float = 0.0) -> Tensor:
        """The mean nats per scored target, of features (T, B, F) and targets (T, B).

        With smoothing ε the target distribution has 1 - ε + ε / V at the true token and ε / V at
        every other (Szegedy et al. 2016, arXiv:1512.00567, section 7). Targets of `IGNORE` are not
        scored.
        """
        scored = targets != IGNORE
        if not smoothing:
            return self.readout.loss(features[scored], targets[scored])
        logits = self.readout.logits(features[scored])
        return functional.cross_entropy(logits, targets[scored], label_smoothing=smoothing)

    def start(self, source: Tensor, lengths: Tensor) -> tuple[State, State]:
        """Encode the source (S, B): the memory and the first state of the decoder, B rows each."""
        x = self.dropout(embedded(self.source_embedding, source))
        x, finals = self.encoder(x, lengths=lengths)
        values = self.dropout(x).transpose(0, 1).contiguous()
        steps = torch.arange(len(source), device=source.device)
        memory = State(
            values=values,
            keys=self.attention.keys(values),
            present=steps < lengths.to(source.device).unsqueeze(1),
        )
        rows = source.shape[1]
        between = zip(
            self.bridges, self._bridged(finals, self.decoder.initial_state(rows)), strict=True
        )
        states = {
            f"layer{depth}": bridge(final, initial)
            for depth, (bridge, (final, initial)) in enumerate(between)
        }
        if self.input_feeding:
            states["fed"] = State(features=values.new_zeros(rows, self.feature_size))
        return memory, State.join(states)

    def step(self, tokens: Tensor, state: State, memory: State) -> tuple[Tensor, State, Tensor]:
        """One token of each of N rows, `tokens` (N,), of which row n reads row n // K of `memory`.

        Returns the logits (N, V) of the next token, the state after this one, and the weights of
        attention (N, S).
        """
        x = self.dropout(embedded(self.target_embedding, tokens[None]))[0]
        features, state, weights = self._turn(x, state, memory)
        return self.readout.logits(features), state, weights

    def _step_by_step(self, inputs: Tensor, memory: State, state: State, sampling: float) -> Tensor:
        x = None if sampling else self.dropout(embedded(self.target_embedding, inputs))
        outputs: list[Tensor] = []
        for t, tokens in enumerate(inputs):
            if x is not None:
                x_t = x[t]
            else:
                if t:
                    with torch.no_grad():
                        probs = torch.softmax(self.readout.logits(outputs[-1]), -1)
                        own = torch.multinomial(probs, 1).squeeze(1)
                        chosen = torch.rand(tokens.shape, device=tokens.device) < sampling
                        tokens = torch.where(chosen, own, tokens)
                x_t = self.dropout(embedded(self.target_embedding, tokens[None]))[0]
            features, state, _ = self._turn(x_t, state, memory)
            outputs.append(features)
        return torch.stack(outputs)

    def _turn(self, x: Tensor, state: State, memory: State) -> tuple[Tensor, State, Tensor]:
        """One step over embedded tokens (N, E): features (N, F), the state after, the weights."""
        if self.input_feeding:
            x = torch.cat([x, state["fed.features"]], dim=-1)
        x, after = self.decoder.step(x, state)
        queries = x.view(memory.batch_size, -1, x.shape[-1])
        features, weights = self._attend(queries, memory)
        features, weights = features.flatten(0, 1), weights.flatten(0, 1)
        if self.input_feeding:
            after = after.with_parts({"fed": State(features=features)})
        return features, after, weights

    def _attend(self, queries: Tensor, memory: State) -> tuple[Tensor, Tensor]:
        """f and the weights of attention for decoder states (B, T, H)."""
        contexts, weights = self.attention(
            queries, memory["values"], memory["keys"], memory["present"]
        )
        features = torch.tanh(self.combine(torch.cat([contexts, queries], dim=-1)))
        return self.dropout(features), weights

    def _bridged(self, encoder: State, decoder: State) -> list[tuple[State, State]]:
        """For each decoder layer the state of the encoder layer below its bridge, and its own."""
        last = len(self.encoder) - 1
        return [
            (encoder.part(f"layer{min(depth, last)}"), decoder.part(f"layer{depth}"))
            for depth in range(len(self.decoder))
        ]


class Bridge(nn.Module):
    """s_0 = tanh(W [final state] + b), all tensors of a state concatenated to one row.

    Works for the states of any two cells: an LSTM's h and c, both directions, all layers.
    Tensors of the decoder's state that are not floating-point keep their initial value.

    Source: Bahdanau et al. 2014, arXiv:1409.0473, section A.2.2, from both directions.

    It is made for any state of the encoder's layer and one of the decoder's.
    """

    def __init__(self, encoder: State, decoder: State) -> None:
        super().__init__()
        inputs, outputs = _rows(encoder).shape[1], _rows(decoder).shape[1]
        self.weight = nn.Linear(inputs, outputs)

    def forward(self, final: State, initial: State) -> State:
        """The decoder's `initial` state with its numbers computed from the encoder's `final`."""
        rows = torch.tanh(self.weight(_rows(final)))
        tensors = dict(initial)
        place = 0
        for name, tensor in initial.items():
            if tensor.is_floating_point():
                shape = tensor.movedim(initial.axes[name], 0).shape
                size = shape[1:].numel()
                part = rows[:, place : place + size].reshape(shape)
                tensors[name] = part.movedim(0, initial.axes[name]).contiguous()
                place += size
        return State.with_axes(tensors, initial.axes)


def _rows(state: State) -> Tensor:
    """The floating-point numbers of a state, (B, all of a row)."""
    parts = [
        tensor.movedim(state.axes[name], 0).flatten(1)
        for name, tensor in state.items()
        if tensor.is_floating_point()
    ]
    return torch.cat(parts, dim=1)


def feature_size(tied: str, embedding_size: int, hidden_size: int) -> int:
    """F: the width of the embedding where weights are tied, else that of the decoder."""
    return hidden_size if tied == "none" else embedding_size
