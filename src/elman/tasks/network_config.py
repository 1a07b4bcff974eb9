"""The settings that the networks of several tasks share. Free of torch, as every config is.

Three steps, each a subclass of the one before: what a recurrent cell takes, what a stack of layers
takes, and what a network takes whose dropout has a place of its own before, between and after the
layers. Sizes and the dropout that a task begins with stay with the task.
"""

from __future__ import annotations

from typing import Literal

from elman.settings import setting
from elman.training.config import TrainingConfig

_MODEL = "Model"
_REGULARIZATION = "Regularization"

_PLACES = ("input_dropout", "hidden_dropout", "output_dropout")


class CellConfig(TrainingConfig):
    """Which cell, and how its weights start."""

    cell: str = setting(
        "lstm", "rnn, rnn-relu, gru, lstm, or package.module:Class for a cell of your own", _MODEL
    )
    layer_norm: bool = setting(False, "layer norm inside the cell (Ba 2016)", _MODEL)
    init: Literal["torch", "orthogonal", "identity"] = setting(
        "torch",
        "the start of V: torch's uniform draw, orthogonal, or the identity (Le 2015)",
        _MODEL,
    )
    forget_bias: float | None = setting(None, "the LSTM's forget bias at the start", _MODEL)
    chrono: float | None = setting(
        None, "gates start to keep for up to this many steps (Tallec 2018)", _MODEL, gt=2
    )


class StackConfig(CellConfig):
    """Layers one on the other, and what regularizes them over time."""

    num_layers: int = setting(1, "recurrent layers, one on the other", _MODEL, ge=1, le=64)
    recurrent_dropout: float = setting(
        0.0, "on h before V, one mask for all steps (Gal 2016)", _REGULARIZATION, ge=0, lt=1
    )
    weight_dropout: float = setting(0.0, "on V itself (Merity 2017)", _REGULARIZATION, ge=0, lt=1)
    zoneout: float = setting(
        0.0, "share of the state kept as it was (Krueger 2016)", _REGULARIZATION, ge=0, lt=1
    )
    cell_zoneout: float | None = setting(
        None, "the same of an LSTM's c; default: zoneout", _REGULARIZATION, ge=0, lt=1
    )


class PlacedDropoutConfig(StackConfig):
    """Dropout on the input, between layers and on the output, together or apart."""

    dropout: float = setting(
        0.1, "on the input, between layers and on the output", _REGULARIZATION, ge=0, lt=1
    )
    locked_dropout: bool = setting(
        True,
        "keep a dropout mask over the time of a sequence or chunk (Gal 2016); off: a"
        " new one at every step (Zaremba 2014)",
        _REGULARIZATION,
    )
    input_dropout: float | None = setting(None, "default: dropout", _REGULARIZATION, ge=0, lt=1)
    hidden_dropout: float | None = setting(None, "default: dropout", _REGULARIZATION, ge=0, lt=1)
    output_dropout: float | None = setting(None, "default: dropout", _REGULARIZATION, ge=0, lt=1)
    learn_initial_state: bool = setting(False, "learn the state at the beginning", _MODEL)

    @property
    def dropouts(self) -> dict[str, float]:
        """The dropout of each place: its own, or the common one."""
        own = {name: getattr(self, name) for name in _PLACES}
        return {name: self.dropout if each is None else each for name, each in own.items()}
