"""The settings of a language model. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from elman.data.tables.asked import Encoding, encoding_setting
from elman.settings import section
from elman.tasks.network_config import (
    PlacedDropoutConfig,
    Unit,
    VocabularyConfig,
    share_setting,
    unit_setting,
)
from elman.training.config import TruncatedConfig

_text = section("Text")
_model = section("Model")
_regularization = section("Regularization")
_records = section("Evaluation and checkpoints")
_budget = section("Budget")


class LanguageModelConfig(PlacedDropoutConfig, VocabularyConfig, TruncatedConfig):
    """A language model: what a token is, the network, its regularization, and training."""

    unit: Unit = unit_setting("char")
    split_punctuation: bool = _text(True, "unit word: words apart from their punctuation")
    encoding: Encoding | None = encoding_setting()

    valid_fraction: float = _text(
        0.05, "share of a single text kept for validation, near its end", gt=0, lt=1
    )
    test_fraction: float = _text(
        0.05, "share of a single text kept for testing, at its end; 0: no test", ge=0, lt=1
    )

    hidden_size: int = _model(512, "units of each layer", ge=1, le=65536)
    embedding_size: int | None = _model(
        None,
        "width of the embedding; default: hidden-size, at most 128 for char untied",
        ge=1,
        le=65536,
    )
    tied: bool | None = _model(
        None, "read out with the embedding's weights; default: on for bpe and word"
    )
    readout: Literal["full", "adaptive", "sampled"] = _model(
        "full", "the softmax: full, or adaptive or sampled for a large vocabulary"
    )
    init_range: float | None = _model(
        None, "draw every matrix from U(-r, r) instead (Zaremba 2014)", gt=0
    )

    embedding_dropout: float = share_setting(
        0.0, "share of the vocabulary dropped from the input for a chunk (Merity 2017)"
    )
    activation_penalty: float = _regularization(
        0.0, "times the mean square of the features (AR, Merity 2017)", ge=0
    )
    slowness_penalty: float = _regularization(
        0.0, "times the mean square of their change from step to step (TAR, Merity 2017)", ge=0
    )

    eval_rows: int | None = _records(
        None,
        "rows that evaluation cuts a split into; 1 scores it as one sequence;"
        " default: one per 2000 tokens, at most batch-size",
        ge=1,
    )

    eval_tokens: int = _records(
        1_000_000,
        "score at most so many tokens of the validation and test text, from their beginning",
        ge=1,
    )

    max_steps: int = _budget(3000, "stop after this many steps", ge=1)

    @property
    def is_tied(self) -> bool:
        """Whether the read-out uses the embedding's weights."""
        return (
            (self.unit != "char" and self.readout != "adaptive") if self.tied is None else self.tied
        )

    @property
    def embedding_width(self) -> int:
        """E."""
        if self.embedding_size is not None:
            return self.embedding_size
        small = self.unit == "char" and not self.is_tied
        return min(self.hidden_size, 128) if small else self.hidden_size

    @model_validator(mode="after")
    def _tie(self) -> Self:
        if self.tied and self.readout == "adaptive":
            raise ValueError(
                "--tied with --readout adaptive: that read-out has no weights to tie; use one only"
            )
        return self
