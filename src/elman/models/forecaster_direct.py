"""The direct forecaster: one reading of the look-back, then all steps to come at once.

Legend: T look-back, K rows before it that only lags reach, H horizon, B batch, F features,
J lags, D hidden, E series embedding, P parameters of the head.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from elman.models.forecast_heads import Head
from elman.models.forecaster import Forecaster, Form, Normalization, Normalizer, Window, lagged
from elman.models.stacked import StackedLayers


class DirectForecaster(Forecaster):
    """An encoder over the steps of the look-back, and one read-out of every step to come.

        h_t = cell([v_t, o_t, v_{t-lags}, f_t, e], h_{t-1})         t = 1 … T
        y_k = W_y relu(W [h_T, f_{T+k}, v_{T+k-lags}, e] + p_k) + b_y    k = 1 … H

    with values v, whether they were observed o, features f, and an embedding e of the series. A
    lag that reaches beyond T is 0 in the second line. Steps to come do not see one another, which
    is what makes them cheap and keeps errors from piling up.

    Source: Wen et al. 2017, arXiv:1711.11053 (MQ-RNN; here the read-out of a step is one small
    network, shared but for p_k).

    Args:
        form: the sizes.
        layers: recurrent layers, `input_width(form)` -> … -> D.
        hidden_size: D.
        head: the distribution of each value to come.
        dropout: between layers and on h_T.
        normalization: see `Normalizer`.
    """

    def __init__(
        self,
        form: Form,
        layers: Sequence[nn.Module],
        hidden_size: int,
        head: Head,
        *,
        dropout: float = 0.0,
        normalization: Normalization = "none",
    ) -> None:
        super().__init__()
        self.form, self.head = form, head
        self.normalizer = Normalizer(normalization)
        self.embedding = nn.Embedding(form.series, form.embedding) if form.embedding else None
        self.layers = StackedLayers(layers, dropout)
        self.dropout = nn.Dropout(dropout)
        self.known = nn.Linear(form.features + 2 * len(form.lags) + 1, hidden_size)
        self.mix = nn.Linear(hidden_size + form.embedding, hidden_size)
        self.place = nn.Parameter(torch.zeros(form.horizon, 1, hidden_size))
        self.readout = nn.Linear(hidden_size, head.width)

    @staticmethod
    def input_width(form: Form) -> int:
        """What the first layer reads of each step."""
        return 2 + 2 * len(form.lags) + form.features + form.embedding

    def forward(self, window: Window) -> Tensor:
        """The head's parameters (H, B, P) of the H steps after the window."""
        form = self.form
        values, location, spread = self.normalizer(window, form.look_back)
        past, future = window.features[: form.look_back], window.features[form.look_back :]
        now = torch.stack([values[form.before :], window.observed[form.before :]], -1)
        # The rows to come hold nothing, and so a lag that would reach into them is not known.
        nothing = values.new_zeros(form.horizon, values.shape[1])
        seen = torch.cat([window.observed, nothing])
        lags = lagged(torch.cat([values, nothing]), seen, form)
        before, ahead = lags[: form.look_back], lags[form.look_back :]
        given = [] if self.embedding is None else [self.embedding(window.series)]
        repeated = [item.expand(form.look_back, -1, -1) for item in given]
        hidden, _ = self.layers(torch.cat([now, before, past, *repeated], -1))
        read = self.mix(torch.cat([self.dropout(hidden[-1]), *given], -1))
        steps = self.known(torch.cat([future, ahead, read.new_ones(*ahead.shape[:2], 1)], -1))
        raw = self.readout(torch.relu(read + steps + self.place))
        return self.head.settle(raw, location, spread)
