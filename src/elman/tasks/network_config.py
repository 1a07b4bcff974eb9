"""The settings that the networks of several tasks share. Free of torch, as every config is.

Three steps, each a subclass of the one before: what a recurrent cell takes, what a stack of layers
takes, and what a network takes whose dropout has a place of its own before, between and after the
layers. Sizes and the dropout that a task begins with stay with the task.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from elman.training.config import TrainingConfig, section

_MODEL = section("Model")
_REGULARIZATION = section("Regularization")

Place = Literal["input", "hidden", "output"]


class CellConfig(TrainingConfig):
    """Which cell, and how its weights start."""

    cell: str = Field(
        "lstm",
        description="rnn, rnn-relu, gru, lstm, or package.module:Class for a cell of your own",
        json_schema_extra=_MODEL,
    )
    layer_norm: bool = Field(
        False, description="layer norm inside the cell (Ba 2016)", json_schema_extra=_MODEL
    )
    init: Literal["torch", "orthogonal", "identity"] = Field(
        "torch",
        description="the start of V: torch's uniform draw, orthogonal, or the identity (Le 2015)",
        json_schema_extra=_MODEL,
    )
    forget_bias: float | None = Field(
        None, description="the LSTM's forget bias at the start", json_schema_extra=_MODEL
    )
    chrono: float | None = Field(
        None,
        gt=2,
        description="gates start to keep for up to this many steps (Tallec 2018)",
        json_schema_extra=_MODEL,
    )


class StackConfig(CellConfig):
    """Layers one on the other, and what regularizes them over time."""

    num_layers: int = Field(
        1, ge=1, le=64, description="recurrent layers, one on the other", json_schema_extra=_MODEL
    )
    recurrent_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="on h before V, one mask for all steps (Gal 2016)",
        json_schema_extra=_REGULARIZATION,
    )
    weight_dropout: float = Field(
        0.0, ge=0, lt=1, description="on V itself (Merity 2017)", json_schema_extra=_REGULARIZATION
    )
    zoneout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the state kept as it was (Krueger 2016)",
        json_schema_extra=_REGULARIZATION,
    )
    cell_zoneout: float | None = Field(
        None,
        ge=0,
        lt=1,
        description="the same of an LSTM's c; default: zoneout",
        json_schema_extra=_REGULARIZATION,
    )


class PlacedDropoutConfig(StackConfig):
    """Dropout on the input, between layers and on the output, together or apart."""

    dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="on the input, between layers and on the output",
        json_schema_extra=_REGULARIZATION,
    )
    locked_dropout: bool = Field(
        True,
        description="keep a dropout mask over the time of a sequence or chunk (Gal 2016); off: a"
        " new one at every step (Zaremba 2014)",
        json_schema_extra=_REGULARIZATION,
    )
    input_dropout: float | None = Field(
        None, ge=0, lt=1, description="default: dropout", json_schema_extra=_REGULARIZATION
    )
    hidden_dropout: float | None = Field(
        None, ge=0, lt=1, description="default: dropout", json_schema_extra=_REGULARIZATION
    )
    output_dropout: float | None = Field(
        None, ge=0, lt=1, description="default: dropout", json_schema_extra=_REGULARIZATION
    )
    learn_initial_state: bool = Field(
        False, description="learn the state at the beginning", json_schema_extra=_MODEL
    )

    def dropout_of(self, place: Place) -> float:
        """The dropout at a place of its own, or the common one."""
        own: float | None = getattr(self, f"{place}_dropout")
        return self.dropout if own is None else own
