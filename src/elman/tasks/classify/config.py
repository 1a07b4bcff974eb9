"""The settings of a classifier. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, model_validator

from elman.tasks.network_config import PlacedDropoutConfig
from elman.training.config import section

_DATA = section("Data")
_TEXT = section("Text")
_MODEL = section("Model")
_START = section("Start from a language model")
_REGULARIZATION = section("Regularization")
_LOSS = section("Loss")
_BUDGET = section("Budget")
_OPTIMIZATION = section("Optimization")


class ClassifyConfig(PlacedDropoutConfig):
    """A classifier: its data, the network, the loss, regularization, and training."""

    text_column: str | None = Field(
        None, description="column of the text; by default it is found", json_schema_extra=_DATA
    )
    label_column: str | None = Field(
        None, description="column of the label; by default it is found", json_schema_extra=_DATA
    )
    split_column: str | None = Field(
        None, description="column that says train, valid or test", json_schema_extra=_DATA
    )
    label_separator: str | None = Field(
        None,
        description="what stands between labels where a row may have many, such as a comma",
        json_schema_extra=_DATA,
    )
    per_step: bool = Field(
        False,
        description="a label for every word or step: CoNLL columns, or a label column in sequences",
        json_schema_extra=_DATA,
    )
    skip_bad_rows: bool = Field(
        False,
        description="leave out rows that can't be read, and count them",
        json_schema_extra=_DATA,
    )
    valid_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of rows kept for validation where the data have no split",
        json_schema_extra=_DATA,
    )
    test_fraction: float = Field(
        0.1, ge=0, lt=1, description="the same for testing; 0: no test", json_schema_extra=_DATA
    )

    unit: Literal["char", "bpe", "word"] = Field(
        "word",
        description="a token is a character, a byte-level BPE piece, or a word",
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
    lower: bool = Field(True, description="words in lower case", json_schema_extra=_TEXT)
    split_punctuation: bool = Field(
        True, description="words apart from their punctuation", json_schema_extra=_TEXT
    )
    vectors: Path | None = Field(
        None,
        description="start the embedding from a text file of word vectors (GloVe, word2vec) or a"
        " safetensors matrix",
        json_schema_extra=_TEXT,
    )
    vectors_vocabulary: Path | None = Field(
        None,
        description="the words of the rows of a safetensors matrix, one a line",
        json_schema_extra=_TEXT,
    )

    from_run: Path | None = Field(
        None,
        description="start from a language-model run: its tokenizer, embedding and layers"
        " (ULMFiT, Howard 2018); the network then reads in one direction",
        json_schema_extra=_START | {"flag": "--from"},
    )
    rate_decay: float = Field(
        1.0,
        gt=0,
        le=1,
        description="discriminative rates: each layer below the read-out learns so many times"
        " slower than the one above it (Howard 2018: 0.385)",
        json_schema_extra=_START,
    )
    unfreeze_every: int = Field(
        0,
        ge=0,
        description="gradual unfreezing: steps after which the next layer, from the top, begins"
        " to learn; 0: all learn at once",
        json_schema_extra=_START,
    )

    hidden_size: int = Field(
        128, ge=1, le=65536, description="units of a direction of a layer", json_schema_extra=_MODEL
    )
    bidirectional: bool | None = Field(
        None,
        description="read from both ends; off: from the beginning only, as `elman stream` needs;"
        " default: on, off with --from",
        json_schema_extra=_MODEL,
    )
    pooling: Literal["last", "max", "mean", "attention", "concat"] = Field(
        "max",
        description="how the steps become one vector; concat: last, max and mean (Howard 2018)",
        json_schema_extra=_MODEL,
    )
    embedding_size: int | None = Field(
        None,
        ge=1,
        le=65536,
        description="width of the embedding; default: hidden-size, or that of --vectors",
        json_schema_extra=_MODEL,
    )
    standardize: bool = Field(
        True,
        description="numbers: each channel less its mean, over its deviation, of the training rows",
        json_schema_extra=_MODEL,
    )

    class_weights: Literal["none", "balanced"] = Field(
        "none",
        description="balanced: a class counts the more, the rarer it is in training",
        json_schema_extra=_LOSS,
    )
    label_smoothing: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of a label's weight spread over all classes (Szegedy 2016)",
        json_schema_extra=_LOSS,
    )
    choose: Literal["loss", "accuracy"] = Field(
        "loss",
        description="what the kept weights are best in, on validation; with many labels a row,"
        " accuracy is micro F1",
        json_schema_extra=section("Evaluation and checkpoints"),
    )

    dropout: float = Field(
        0.3,
        ge=0,
        lt=1,
        description="on the input, between layers and before the read-out",
        json_schema_extra=_REGULARIZATION,
    )
    word_dropout: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="share of words or steps whose vector is dropped whole (Iyyer 2015)",
        json_schema_extra=_REGULARIZATION,
    )

    learning_rate: float = Field(
        2e-3, gt=0, description="the highest learning rate", json_schema_extra=_OPTIMIZATION
    )
    max_steps: int = Field(
        2000, ge=1, description="stop after this many steps", json_schema_extra=_BUDGET
    )

    @property
    def both_ways(self) -> bool:
        """Whether the network reads from both ends."""
        return self.from_run is None if self.bidirectional is None else self.bidirectional

    @property
    def vocabulary_limit(self) -> int | None:
        """The vocabulary size to ask of the tokenizer; None: all there is."""
        return 4096 if self.vocab_size is None and self.unit == "bpe" else self.vocab_size

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.from_run is not None and self.bidirectional:
            raise ValueError(
                "--from with --bidirectional: a language model has read in one direction only;"
                " leave --bidirectional out"
            )
        if self.from_run is not None and self.vectors is not None:
            raise ValueError("--from with --vectors: the run has an embedding of its own; use one")
        if self.per_step and self.label_separator is not None:
            raise ValueError("--per-step with --label-separator: a step has one label; use one")
        return self


class SentimentConfig(ClassifyConfig):
    """A classifier of texts."""
