"""The autoregressive forecaster: each step is drawn given all before it, one after the other.

Legend: T steps read, K rows before them that lags reach (at least 1), H horizon, B batch,
F features, J lags, D hidden, E series embedding, P parameters of the head, N sample paths.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elman.layers.state import State
from elman.models.forecast_heads import Head
from elman.models.forecaster import Forecaster, Form, Window, lagged
from elman.models.stacked import StackedLayers


class AutoregressiveForecaster(Forecaster):
    """The distribution of each value given all values before it.

        h_t = cell([v_{t-lags}, o_{t-lags}, f_t, e], h_{t-1})
        p(v_t | v_1 … v_{t-1}) = head(W h_t + b)

    with values v, whether they were observed o, features f, an embedding e of the series; lag 1
    is always among the lags. Forecasts are paths: a value is drawn, and read as if it had come.

    Its memory goes on from step to step, so a stream that reads a row at a time is at the same
    place as one reading of the whole history.

    Source: DeepAR, Salinas et al. 2017, arXiv:1704.04110, section 3 (the scale of a series is
    that of its training rows, so that it stays the same while a stream goes on).

    Args:
        form: the sizes; its first lag is 1.
        layers: recurrent layers, `input_width(form)` -> … -> D.
        hidden_size: D.
        head: the distribution of each value.
        dropout: between layers and on what the head reads.
    """

    def __init__(
        self,
        form: Form,
        layers: Sequence[nn.Module],
        hidden_size: int,
        head: Head,
        *,
        dropout: float = 0.0,
    ) -> None:
        super().__init__()
        assert 1 in form.lags, "an autoregressive model reads the value before"
        self.form, self.head = form, head
        self.embedding = nn.Embedding(form.series, form.embedding) if form.embedding else None
        self.layers = StackedLayers(layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.readout = nn.Linear(hidden_size, head.width)

    @staticmethod
    def input_width(form: Form) -> int:
        """What the first layer reads of each step."""
        return 2 * len(form.lags) + form.features + form.embedding

    def initial_state(self, batch_size: int) -> State:
        """The state before the first row of a series."""
        return self.layers.initial_state(batch_size)

    def forward(self, window: Window) -> Tensor:
        """The head's parameters (T + H, B, P) of every step, given all values before it."""
        values = torch.cat([window.values, window.targets])
        observed = torch.cat([window.observed, window.scored])
        state = self.initial_state(values.shape[1])
        return self.read(values, observed, window.features, window.series, state)[0]

    def read(
        self,
        values: Tensor,
        observed: Tensor,
        features: Tensor,
        series: Tensor,
        state: State,
        lengths: Tensor | None = None,
    ) -> tuple[Tensor, State]:
        """The head's parameters (T, B, P), each of its step before it came, and the last state.

        `values` and `observed` are (K + T, B), the K rows before the steps first; `features` are
        (T, B, F), `series` (B,). `lengths` (B,) are the real steps of each row; None: all T.
        """
        inputs = [lagged(values, observed, self.form), features]
        if self.embedding is not None:
            inputs.append(self.embedding(series).expand(len(features), -1, -1))
        hidden, state = self.layers(torch.cat(inputs, -1), state, lengths)
        zero, one = values.new_zeros(values.shape[1]), values.new_ones(values.shape[1])
        raw = self.readout(self.dropout(hidden))
        return self.head.settle(raw, zero, one), state

    def state_after(self, window: Window, lengths: Tensor) -> State:
        """The state after a window of which only the last `lengths` (B,) steps are real.

        The first real step is the first that is read, so that the state is the one that a stream
        from the beginning of the series has.
        """
        steps = len(window.values) - self.form.before
        places = torch.arange(steps, device=lengths.device).unsqueeze(1) + (steps - lengths)
        # Real steps first, the padding after them, where it is not read.
        moved = torch.arange(len(window.values), device=lengths.device).unsqueeze(1)
        moved = (moved + (steps - lengths)).clamp(max=len(window.values) - 1)
        features = window.features[places.clamp(max=steps - 1), torch.arange(len(lengths))]
        values, observed = (part.gather(0, moved) for part in (window.values, window.observed))
        state = self.initial_state(len(lengths))
        return self.read(values, observed, features, window.series, state, lengths)[1]

    def paths(self, tail: Window, state: State, uniform: Tensor) -> Tensor:
        """Draw N paths (N, H, B) of the H steps after `tail`, whose last row left `state`.

        The draws are made of `uniform` (N, H), see `path_noise`: the same for all rows, so that a
        row alone is forecast as it is in a batch.
        """
        count, horizon = uniform.shape
        before, batch = self.form.before, len(tail.series)
        values, observed = (
            part[-before:].repeat(1, count) for part in (tail.values, tail.observed)
        )  # path by path
        rows = torch.arange(batch, device=tail.series.device).repeat(count)
        state, series, scale = state.select(rows), tail.series[rows], tail.scale[rows]
        drawn = []
        for place in range(horizon):
            # One row more, which no lag reaches: the step that is asked for.
            asked = torch.cat([values, values[-1:]])
            known = torch.cat([observed, observed[-1:]])
            step = tail.features[place - horizon].repeat(count, 1)[None]
            parameters, state = self.read(asked, known, step, series, state)
            noise = uniform[:, place].repeat_interleave(batch)
            value = self.head.sample(parameters, scale, noise[None])
            drawn.append(value[0])
            values = torch.cat([values[1:], value])
            observed = torch.cat([observed[1:], torch.ones_like(value)])
        return torch.stack(drawn, 1).view(count, batch, -1).transpose(1, 2)


def path_noise(count: int, horizon: int, seed: int) -> Tensor:
    """(N, H) numbers between 0 and 1, in each column one of every N-th part, in random order.

    Such columns (Latin hypercube sampling, McKay et al. 1979) have the right quantiles at each step
    with far fewer paths than independent draws.
    """
    generator = torch.Generator().manual_seed(seed)
    columns = [torch.randperm(count, generator=generator) for _ in range(horizon)]
    return (torch.stack(columns, 1) + 0.5) / count
