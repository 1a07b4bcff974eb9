"""The segment-wise forecaster: a recurrent network whose step is a piece of the series.

Legend: T look-back, H horizon, B batch, F features, W values of a segment, N = T / W segments,
M = ceil(H / W) segments to come, D hidden, P parameters of the head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from elman.errors import InputError
from elman.models.forecast_heads import Head
from elman.models.forecaster import Forecaster, Form, Normalization, Normalizer, Window
from elman.models.stacked import StackedLayers


class SegmentForecaster(Forecaster):
    """Reads N segments instead of T steps, and writes all segments to come at once.

        e_n = relu(W_e x_n + b_e)                       a segment of W values, embedded in D
        h_n = cell(e_n, h_{n-1})                        n = 1 … N
        y_m = W_y dropout(cell([p_m; c], h_N)) + b_y    m = 1 … M, each from h_N, in parallel

    where p_m is learned of the place m and c of the series; a series is read alone, whatever else
    the table holds. Features, where there are any, are added to both inputs of the cell.

    Source: SegRNN, Lin et al. 2023, arXiv:2308.11200, section 3 (with parallel multi-step
    decoding, and the last value subtracted).

    Args:
        form: the sizes; lags are not used, since all of the look-back is read.
        layers: recurrent layers, D -> D.
        hidden_size: D, even where series are embedded.
        head: the distribution of each value to come.
        segment: W, a divisor of T.
        dropout: on what the head reads, and between layers.
        normalization: see `Normalizer`.
    """

    def __init__(
        self,
        form: Form,
        layers: Sequence[nn.Module],
        hidden_size: int,
        head: Head,
        *,
        segment: int,
        dropout: float = 0.0,
        normalization: Normalization = "last",
    ) -> None:
        super().__init__()
        if form.look_back % segment:
            raise InputError(
                f"--segment {segment}: does not divide the look-back of {form.look_back} steps;"
                f" choose a --look-back that is a multiple of it"
            )
        self.form, self.head, self.segment = form, head, segment
        self.normalizer = Normalizer(normalization)
        self.embed = nn.Linear(segment, hidden_size)
        self.past_features = self.future_features = None
        if form.features:
            self.past_features = nn.Linear(segment * form.features, hidden_size)
            self.future_features = nn.Linear(segment * form.features, hidden_size)
        self.layers = StackedLayers(layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.coming = -(-form.horizon // segment)
        channel = hidden_size // 2 if form.embedding else 0
        self.place = nn.Parameter(torch.randn(self.coming, hidden_size - channel))
        self.channel = nn.Parameter(torch.randn(form.series, channel)) if channel else None
        self.readout = nn.Linear(hidden_size, segment * head.width)

    def forward(self, window: Window) -> Tensor:
        """The head's parameters (H, B, P) of the H steps after the window."""
        form, width = self.form, self.segment
        values, location, spread = self.normalizer(window, form.look_back)
        values = values[form.before :]
        batch = values.shape[1]
        pieces = values.view(-1, width, batch).transpose(1, 2)  # (N, B, W)
        inputs = self.embed(pieces)
        asked = self.place.unsqueeze(1).expand(-1, batch, -1)  # (M, B, D)
        if self.channel is not None:
            channel = self.channel[window.series].expand(self.coming, -1, -1)
            asked = torch.cat([asked, channel], -1)
        if self.past_features is not None and self.future_features is not None:
            past, future = window.features[: form.look_back], window.features[form.look_back :]
            missing = self.coming * width - form.horizon
            future = functional.pad(future, (0, 0, 0, 0, 0, missing))
            inputs = inputs + self.past_features(_pieces(past, width))
            asked = asked + self.future_features(_pieces(future, width))
        _, state = self.layers(torch.relu(inputs))
        rows = torch.arange(batch, device=values.device).repeat(self.coming)  # place by place
        answers, _ = self.layers(asked.reshape(1, self.coming * batch, -1), state.select(rows))
        raw = self.readout(self.dropout(answers[0]))
        raw = raw.view(self.coming, batch, width, -1).transpose(1, 2)
        raw = raw.reshape(self.coming * width, batch, -1)[: form.horizon]
        return self.head.settle(raw, location, spread)


def _pieces(features: Tensor, width: int) -> Tensor:
    """(N W, B, F) -> (N, B, W F)."""
    steps, batch, count = features.shape
    return features.view(steps // width, width, batch, count).transpose(1, 2).flatten(2)
