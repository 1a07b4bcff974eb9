"""A forecaster from plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from elman.models.cells import CellOptions, recurrent_layers
from elman.models.forecast_heads import HeadKind, make_head
from elman.models.forecaster import Forecaster, Form, Normalization
from elman.models.forecaster_autoregressive import AutoregressiveForecaster
from elman.models.forecaster_direct import DirectForecaster
from elman.models.forecaster_segments import SegmentForecaster

ModelKind = Literal["direct", "autoregressive", "segments"]


@dataclass(frozen=True)
class ForecasterArchitecture:
    """All that a forecaster is made from.

    Attributes:
        model: which forecaster.
        form: its sizes.
        segment: rows of a piece, where the model reads pieces.
        head: the distribution of each value.
        normalization: of each window.
        cell: of each layer, see `elman.models.cells`.
        options: of each cell.
        hidden_size: of each layer.
        num_layers: how many.
        dropout: between layers and on what the head reads.
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
        """The network with fresh weights.

        Raises:
            InputError: sizes or a cell that do not fit.
        """
        size, form, head = self.hidden_size, self.form, make_head(self.head)
        first = {
            "direct": DirectForecaster.input_width(form),
            "autoregressive": AutoregressiveForecaster.input_width(form),
            "segments": size,
        }[self.model]
        widths = [size] * self.num_layers
        layers = recurrent_layers(self.cell, first, widths, self.options)
        dropout, normalization = self.dropout, self.normalization
        if self.model == "autoregressive":
            return AutoregressiveForecaster(form, layers, size, head, dropout=dropout)
        if self.model == "direct":
            return DirectForecaster(
                form, layers, size, head, dropout=dropout, normalization=normalization
            )
        return SegmentForecaster(
            form,
            layers,
            size,
            head,
            segment=self.segment,
            dropout=dropout,
            normalization=normalization,
        )
