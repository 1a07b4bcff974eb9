"""The settings of a language model. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from elman.tasks.network_config import PlacedDropoutConfig
from elman.training.config import TruncatedConfig, section

_TEXT = section("Text")
_MODEL = section("Model")
_REGULARIZATION = section("Regularization")
_RECORDS = section("Evaluation and checkpoints")


class LanguageModelConfig(PlacedDropoutConfig, TruncatedConfig):
    """A language model: what a token is, the network, its regularization, and training."""

    unit: Literal["char", "bpe", "word"] = Field(
        "char",
        description="a token is a character, a byte-level BPE piece trained on the text, or a"
        " word (<unk> for rare ones, <eos> for a newline)",
        json_schema_extra=_TEXT,
    )
    vocab_size: int | None = Field(
        None,
        ge=2,
        le=1_000_000,
        description="the most tokens to know; default: 4096 for bpe, no limit for word and char",
        json_schema_extra=_TEXT,
    )
    min_count: int = Field(
        1,
        ge=1,
        description="how often a word or character must come in the training text to be known",
        json_schema_extra=_TEXT,
    )

    valid_fraction: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of a single text kept for validation, near its end",
        json_schema_extra=_TEXT,
    )
    test_fraction: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="share of a single text kept for testing, at its end; 0: no test",
        json_schema_extra=_TEXT,
    )

    hidden_size: int = Field(
        512, ge=1, le=65536, description="units of each layer", json_schema_extra=_MODEL
    )
    embedding_size: int | None = Field(
        None,
        ge=1,
        le=65536,
        description="width of the embedding; default: hidden-size, at most 128 for char untied",
        json_schema_extra=_MODEL,
    )
    tied: bool | None = Field(
        None,
        description="read out with the embedding's weights; default: on for bpe and word",
        json_schema_extra=_MODEL,
    )
    readout: Literal["full", "adaptive", "sampled"] = Field(
        "full",
        description="the softmax: full, or adaptive or sampled for a large vocabulary",
        json_schema_extra=_MODEL,
    )
    init_range: float | None = Field(
        None,
        gt=0,
        description="draw every matrix from U(-r, r) instead (Zaremba 2014)",
        json_schema_extra=_MODEL,
    )

    embedding_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of the vocabulary dropped from the input for a chunk (Merity 2017)",
        json_schema_extra=_REGULARIZATION,
    )
    activation_penalty: float = Field(
        0.0,
        ge=0,
        description="times the mean square of the features (AR, Merity 2017)",
        json_schema_extra=_REGULARIZATION,
    )
    slowness_penalty: float = Field(
        0.0,
        ge=0,
        description="times the mean square of their change from step to step (TAR, Merity 2017)",
        json_schema_extra=_REGULARIZATION,
    )

    eval_rows: int | None = Field(
        None,
        ge=1,
        description="rows that evaluation cuts a split into; 1 scores it as one sequence;"
        " default: one per 2000 tokens, at most batch-size",
        json_schema_extra=_RECORDS,
    )

    eval_tokens: int = Field(
        1_000_000,
        ge=1,
        description="score at most so many tokens of the validation and test text, from their"
        " beginning",
        json_schema_extra=_RECORDS,
    )

    max_steps: int = Field(
        3000, ge=1, description="stop after this many steps", json_schema_extra=section("Budget")
    )

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

    @property
    def vocabulary_limit(self) -> int | None:
        """The vocabulary size to ask of the tokenizer; None: all there is."""
        return 4096 if self.vocab_size is None and self.unit == "bpe" else self.vocab_size

    @model_validator(mode="after")
    def _tie(self) -> Self:
        if self.tied and self.readout == "adaptive":
            raise ValueError(
                "--tied with --readout adaptive: that read-out has no weights to tie; use one only"
            )
        return self
