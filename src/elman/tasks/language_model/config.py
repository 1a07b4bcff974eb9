"""The settings of a language model. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import model_validator

from elman.settings import setting
from elman.tasks.network_config import (
    PlacedDropoutConfig,
    Unit,
    VocabularyConfig,
    share_setting,
    unit_setting,
)
from elman.training.config import TruncatedConfig

_TEXT = "Text"
_MODEL = "Model"
_REGULARIZATION = "Regularization"
_RECORDS = "Evaluation and checkpoints"


class LanguageModelConfig(PlacedDropoutConfig, VocabularyConfig, TruncatedConfig):
    """A language model: what a token is, the network, its regularization, and training."""

    unit: Unit = unit_setting("char")

    valid_fraction: float = setting(
        0.05, "share of a single text kept for validation, near its end", _TEXT, gt=0, lt=1
    )
    test_fraction: float = setting(
        0.05, "share of a single text kept for testing, at its end; 0: no test", _TEXT, ge=0, lt=1
    )

    hidden_size: int = setting(512, "units of each layer", _MODEL, ge=1, le=65536)
    embedding_size: int | None = setting(
        None,
        "width of the embedding; default: hidden-size, at most 128 for char untied",
        _MODEL,
        ge=1,
        le=65536,
    )
    tied: bool | None = setting(
        None, "read out with the embedding's weights; default: on for bpe and word", _MODEL
    )
    readout: Literal["full", "adaptive", "sampled"] = setting(
        "full", "the softmax: full, or adaptive or sampled for a large vocabulary", _MODEL
    )
    init_range: float | None = setting(
        None, "draw every matrix from U(-r, r) instead (Zaremba 2014)", _MODEL, gt=0
    )

    embedding_dropout: float = share_setting(
        0.0, "share of the vocabulary dropped from the input for a chunk (Merity 2017)"
    )
    activation_penalty: float = setting(
        0.0, "times the mean square of the features (AR, Merity 2017)", _REGULARIZATION, ge=0
    )
    slowness_penalty: float = setting(
        0.0,
        "times the mean square of their change from step to step (TAR, Merity 2017)",
        _REGULARIZATION,
        ge=0,
    )

    eval_rows: int | None = setting(
        None,
        "rows that evaluation cuts a split into; 1 scores it as one sequence;"
        " default: one per 2000 tokens, at most batch-size",
        _RECORDS,
        ge=1,
    )

    eval_tokens: int = setting(
        1_000_000,
        "score at most so many tokens of the validation and test text, from their beginning",
        _RECORDS,
        ge=1,
    )

    max_steps: int = setting(3000, "stop after this many steps", "Budget", ge=1)

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
