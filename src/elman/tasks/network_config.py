"""The settings that the networks of several tasks share. Free of torch, as every config is.

Three steps, each a subclass of the one before: what a recurrent cell takes, what a stack of layers
takes, and what a network takes whose dropout has a place of its own before, between and after the
layers. Sizes and the dropout that a task begins with stay with the task.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias

from elman.settings import section
from elman.training.config import TrainingConfig

Unit: TypeAlias = Literal["char", "bpe", "word"]

_model = section("Model")
_regularization = section("Regularization")
_text = section("Text")

_PLACES = ("input_dropout", "hidden_dropout", "output_dropout")


def share_setting(default: float | None, about: str) -> Any:
    """A share of what is regularized, such as a dropout."""
    return _regularization(default, about, ge=0, lt=1)


class CellConfig(TrainingConfig):
    """Which cell, and how its weights start."""

    cell: str = _model(
        "lstm", "rnn, rnn-relu, gru, lstm, or package.module:Class for a cell of your own"
    )
    layer_norm: bool = _model(False, "layer norm inside the cell (Ba 2016)")
    init: Literal["torch", "orthogonal", "identity"] = _model(
        "torch", "the start of V: torch's uniform draw, orthogonal, or the identity (Le 2015)"
    )
    forget_bias: float | None = _model(None, "the LSTM's forget bias at the start")
    chrono: float | None = _model(
        None, "gates start to keep for up to this many steps (Tallec 2018)", gt=2
    )


def unit_setting(default: Unit) -> Any:
    """What a token of a text is."""
    about = (
        "a token is a character, a byte-level BPE piece trained on the text, or a"
        " word (<unk> for rare ones, <eos> for a newline)"
    )
    return _text(default, about)


def size_setting(pieces: int) -> Any:
    """How many tokens are known, with the default for byte-level pieces."""
    about = f"the most tokens to know; default: {pieces} for bpe, no limit for word and char"
    return _text(None, about, ge=2, le=1_000_000)


class VocabularyConfig(TrainingConfig):
    """What the tokens of a text are, and which of them are known."""

    pieces: ClassVar[int] = 4096
    unit: Unit = unit_setting("word")
    vocab_size: int | None = size_setting(pieces)
    min_count: int = _text(
        1, "how often a word or character must occur in the training text to be known", ge=1
    )

    @property
    def vocabulary_limit(self) -> int | None:
        """The vocabulary size to ask of the tokenizer; None: all there is."""
        return self.pieces if self.vocab_size is None and self.unit == "bpe" else self.vocab_size


class StackConfig(CellConfig):
    """Layers one on the other, and what regularizes them over time."""

    num_layers: int = _model(1, "recurrent layers, one on the other", ge=1, le=64)
    recurrent_dropout: float = share_setting(
        0.0, "on h before V, one mask for all steps (Gal 2016)"
    )
    weight_dropout: float = share_setting(0.0, "on V itself (Merity 2017)")
    zoneout: float = share_setting(0.0, "share of the state kept as it was (Krueger 2016)")
    cell_zoneout: float | None = share_setting(None, "the same of an LSTM's c; default: zoneout")


class PlacedDropoutConfig(StackConfig):
    """Dropout on the input, between layers and on the output, together or apart."""

    dropout: float = share_setting(0.1, "on the input, between layers and on the output")
    locked_dropout: bool = _regularization(
        True,
        "keep a dropout mask over the time of a sequence or chunk (Gal 2016); off: a"
        " new one at every step (Zaremba 2014)",
    )
    input_dropout: float | None = share_setting(None, "default: dropout")
    hidden_dropout: float | None = share_setting(None, "default: dropout")
    output_dropout: float | None = share_setting(None, "default: dropout")
    learn_initial_state: bool = _model(False, "learn the state at the beginning")

    @property
    def dropouts(self) -> dict[str, float]:
        """The dropout of each place: its own, or the common one."""
        own = {name: getattr(self, name) for name in _PLACES}
        return {name: self.dropout if each is None else each for name, each in own.items()}
