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
from elman.models.forecaster import Answered, Forecaster, Form, Window, lagged, masked_mean
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

    def loss(self, window: Answered) -> tuple[Tensor, int]:
        """The mean over all T + H steps, those of the look-back too; see `Forecaster.loss`."""
        values = torch.cat([window.values, window.targets])
        observed = torch.cat([window.observed, window.scored])
        state = self.initial_state(values.shape[1])
        parameters, _ = self.read(values, observed, window.features, window.series, state)
        before = self.form.before
        losses = self.head.loss(parameters, values[before:], window.scale)
        return masked_mean(losses, observed[before:])

    def read(
        self, values: Tensor, observed: Tensor, features: Tensor, series: Tensor, state: State
    ) -> tuple[Tensor, State]:
        """What was expected of each step before it came, and the state after the last.

        Args:
            values: (K + T, B), the K rows before the steps first.
            observed: (K + T, B).
            features: (T, B, F).
            series: (B,) the number of each series.
            state: after the step before these.

        Returns:
            The head's parameters (T, B, P), and the state.
        """
        inputs = [lagged(values, observed, self.form), features]
        if self.embedding is not None:
            inputs.append(self.embedding(series).expand(len(features), -1, -1))
        hidden, state = self.layers(torch.cat(inputs, -1), state)
        zero, one = values.new_zeros(values.shape[1]), values.new_ones(values.shape[1])
        raw = self.readout(self.dropout(hidden))
        return self.head.settle(raw, zero, one), state

    def paths(
        self,
        tail: tuple[Tensor, Tensor],
        features: Tensor,
        series: Tensor,
        scale: Tensor,
        state: State,
        count: int,
    ) -> Tensor:
        """Draw `count` paths (N, H, B) of the H steps to come.

        Args:
            tail: the last K values and whether each was observed, (K, B) both.
            features: (H, B, F) of the steps to come.
            series: (B,).
            scale: (B,), see `Window`.
            state: after the last row.
            count: N; where the head has no spread, all paths are the same.
        """
        values, observed = (part.repeat(1, count) for part in tail)  # path by path
        batch = len(series)
        state = state.select(torch.arange(batch, device=series.device).repeat(count))
        series, scale = series.repeat(count), scale.repeat(count)
        drawn = []
        for step in features:
            # One row more, which no lag reaches: the step that is asked for.
            asked = torch.cat([values, values[-1:]])
            known = torch.cat([observed, observed[-1:]])
            parameters, state = self.read(asked, known, step.repeat(count, 1)[None], series, state)
            value = self.head.sample(parameters, scale)
            drawn.append(value[0])
            values = torch.cat([values[1:], value])
            observed = torch.cat([observed[1:], torch.ones_like(value)])
        return torch.stack(drawn, 1).view(count, batch, -1).transpose(1, 2)

    def forecast(self, window: Window, count: int) -> Tensor:
        """`count` paths (N, H, B) from a window that is read from its first row."""
        form = self.form
        past, future = window.features.split([len(window.features) - form.horizon, form.horizon])
        state = self.initial_state(len(window.series))
        _, state = self.read(window.values, window.observed, past, window.series, state)
        tail = (window.values[-form.before :], window.observed[-form.before :])
        return self.paths(tail, future, window.series, window.scale, state, count)
