"""The settings of a classifier. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from elman.data.tables.asked import TableSettings
from elman.settings import section
from elman.tasks.classify.sound_config import SoundConfig
from elman.tasks.network_config import PlacedDropoutConfig, VocabularyConfig, share_setting

_data = section("Data")
_text = section("Text")
_model = section("Model")
_start = section("Start from a language model")
_loss = section("Loss")
_budget = section("Budget")
_optimization = section("Optimization")
_records = section("Evaluation and checkpoints")


class ClassifyConfig(TableSettings, SoundConfig, PlacedDropoutConfig, VocabularyConfig):
    """A classifier: its data, the network, the loss, regularization, and training."""

    text_column: str | None = _data(None, "column of the text; by default it is found")
    label_column: str | None = _data(None, "column of the label; by default it is found")
    split_column: str | None = _data(None, "column that says train, valid or test")
    label_separator: str | None = _data(
        None, "what stands between labels where a row may have many, such as a comma"
    )
    label_first: bool = _data(
        False, "lines of text begin with their label, a word; __label__ is seen without it"
    )
    per_step: bool = _data(
        False, "a label for every word or step: CoNLL columns, or a label column in sequences"
    )
    skip_bad_rows: bool = _data(False, "leave out rows that can't be read, and count them")
    valid_fraction: float = _data(
        0.1, "share of rows kept for validation where the data have no split", gt=0, lt=1
    )
    test_fraction: float = _data(0.1, "the same for testing; 0: no test", ge=0, lt=1)

    lower: bool = _text(True, "words in lower case")
    split_punctuation: bool = _text(True, "words apart from their punctuation")
    vectors: Path | None = _text(
        None,
        "start the embedding from a text file of word vectors (GloVe, word2vec) or a"
        " safetensors matrix",
    )
    vectors_vocabulary: Path | None = _text(
        None, "the words of the rows of a safetensors matrix, one a line"
    )

    from_run: Path | None = _start(
        None,
        "start from a language-model run: its tokenizer, embedding and layers"
        " (ULMFiT, Howard 2018); the network then reads in one direction",
        flag="--from",
    )
    rate_decay: float = _start(
        1.0,
        "discriminative rates: each layer below the read-out learns so many times"
        " slower than the one above it (Howard 2018: 0.385)",
        gt=0,
        le=1,
    )
    unfreeze_every: int = _start(
        0,
        "gradual unfreezing: steps after which the next layer, from the top, begins"
        " to learn; 0: all learn at once",
        ge=0,
    )

    hidden_size: int = _model(128, "units of a direction of a layer", ge=1, le=65536)
    bidirectional: bool | None = _model(
        None,
        "read from both ends; off: from the beginning only, as `elman stream` needs;"
        " default: on, off with --from",
    )
    pooling: Literal["last", "max", "mean", "attention", "concat"] = _model(
        "max", "how the steps become one vector; concat: last, max and mean (Howard 2018)"
    )
    embedding_size: int | None = _model(
        None, "width of the embedding; default: hidden-size, or that of --vectors", ge=1, le=65536
    )
    standardize: bool = _model(
        True, "numbers: each channel less its mean, over its deviation, of the training rows"
    )

    class_weights: Literal["none", "balanced"] = _loss(
        "none", "balanced: a class counts the more, the rarer it is in training"
    )
    label_smoothing: float = _loss(
        0.0, "share of a label's weight spread over all classes (Szegedy 2016)", ge=0, lt=1
    )
    choose: Literal["loss", "accuracy"] = _records(
        "loss",
        "what the kept weights are best in, on validation; with many labels a row,"
        " accuracy is micro F1",
    )

    dropout: float = share_setting(0.3, "on the input, between layers and before the read-out")
    word_dropout: float = share_setting(
        0.0, "share of words or steps whose vector is dropped whole (Iyyer 2015)"
    )

    learning_rate: float = _optimization(2e-3, "the highest learning rate", gt=0)
    max_steps: int = _budget(2000, "stop after this many steps", ge=1)
    patience: int = _budget(
        3, "stop after this many evaluations without a better validation loss; 0: never", ge=0
    )

    @property
    def both_ways(self) -> bool:
        """Whether the network reads from both ends."""
        return self.from_run is None if self.bidirectional is None else self.bidirectional

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.from_run is not None and self.bidirectional:
            raise ValueError(
                "--from with --bidirectional: a language model has read in one direction only;"
                " leave --bidirectional out"
            )
        if self.from_run is not None and self.vectors is not None:
            raise ValueError("--from with --vectors: the run has an embedding of its own; use one")
        if self.per_step and self.label_first:
            raise ValueError(
                "--per-step with --label-first: a step has a label of its own; use one"
            )
        if self.per_step and self.label_separator is not None:
            raise ValueError("--per-step with --label-separator: a step has one label; use one")
        return self


class SentimentConfig(ClassifyConfig):
    """A classifier of texts."""
