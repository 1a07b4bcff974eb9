"""A forecaster from plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from elman.models.cells import CellOptions, recurrent_layers
from elman.models.forecast_heads import HeadKind, make_head
from elman.models.forecaster import Forecaster, Form, Normalization
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.models.forecaster_direct import DirectForecaster
from elman.models.forecaster_segments import SegmentForecaster

ModelKind = Literal["direct", "autoregressive", "segments"]


@dataclass(frozen=True)
class ForecasterArchitecture:
    """All that a forecaster is made from; see the arguments of the three models.

    `segment` counts where the model reads segments, `normalization` where it is not autoregressive.
    """

    model: ModelKind
    form: Form
    segment: int
    head: HeadKind
    normalization: Normalization
    cell: str
    options: CellOptions
    hidden_size: int
    num_layers: int
    dropout: float

    def make(self) -> Forecaster:
        """The network with fresh weights; InputError where sizes or the cell do not fit."""
        size, form, head = self.hidden_size, self.form, make_head(self.head)
        first = {
            "direct": DirectForecaster.input_width(form),
            "autoregressive": AutoregressiveForecaster.input_width(form),
            "segments": size,
        }[self.model]
        layers = recurrent_layers(self.cell, first, [size] * self.num_layers, self.options)
        made = form, layers, size, head
        if self.model == "autoregressive":
            return AutoregressiveForecaster(*made, dropout=self.dropout)
        more: dict[str, Any] = {"dropout": self.dropout, "normalization": self.normalization}
        if self.model == "direct":
            return DirectForecaster(*made, **more)
        return SegmentForecaster(*made, segment=self.segment, **more)
