"""The settings of a classifier. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import model_validator

from elman.settings import setting
from elman.tasks.network_config import PlacedDropoutConfig, VocabularyConfig, share_setting

_DATA = "Data"
_TEXT = "Text"
_MODEL = "Model"
_START = "Start from a language model"
_REGULARIZATION = "Regularization"
_LOSS = "Loss"
_BUDGET = "Budget"
_OPTIMIZATION = "Optimization"


class ClassifyConfig(PlacedDropoutConfig, VocabularyConfig):
    """A classifier: its data, the network, the loss, regularization, and training."""

    text_column: str | None = setting(None, "column of the text; by default it is found", _DATA)
    label_column: str | None = setting(None, "column of the label; by default it is found", _DATA)
    split_column: str | None = setting(None, "column that says train, valid or test", _DATA)
    label_separator: str | None = setting(
        None, "what stands between labels where a row may have many, such as a comma", _DATA
    )
    per_step: bool = setting(
        False,
        "a label for every word or step: CoNLL columns, or a label column in sequences",
        _DATA,
    )
    skip_bad_rows: bool = setting(False, "leave out rows that can't be read, and count them", _DATA)
    valid_fraction: float = setting(
        0.1, "share of rows kept for validation where the data have no split", _DATA, gt=0, lt=1
    )
    test_fraction: float = setting(0.1, "the same for testing; 0: no test", _DATA, ge=0, lt=1)

    lower: bool = setting(True, "words in lower case", _TEXT)
    split_punctuation: bool = setting(True, "words apart from their punctuation", _TEXT)
    vectors: Path | None = setting(
        None,
        "start the embedding from a text file of word vectors (GloVe, word2vec) or a"
        " safetensors matrix",
        _TEXT,
    )
    vectors_vocabulary: Path | None = setting(
        None, "the words of the rows of a safetensors matrix, one a line", _TEXT
    )

    from_run: Path | None = setting(
        None,
        "start from a language-model run: its tokenizer, embedding and layers"
        " (ULMFiT, Howard 2018); the network then reads in one direction",
        _START,
        flag="--from",
    )
    rate_decay: float = setting(
        1.0,
        "discriminative rates: each layer below the read-out learns so many times"
        " slower than the one above it (Howard 2018: 0.385)",
        _START,
        gt=0,
        le=1,
    )
    unfreeze_every: int = setting(
        0,
        "gradual unfreezing: steps after which the next layer, from the top, begins"
        " to learn; 0: all learn at once",
        _START,
        ge=0,
    )

    hidden_size: int = setting(128, "units of a direction of a layer", _MODEL, ge=1, le=65536)
    bidirectional: bool | None = setting(
        None,
        "read from both ends; off: from the beginning only, as `elman stream` needs;"
        " default: on, off with --from",
        _MODEL,
    )
    pooling: Literal["last", "max", "mean", "attention", "concat"] = setting(
        "max", "how the steps become one vector; concat: last, max and mean (Howard 2018)", _MODEL
    )
    embedding_size: int | None = setting(
        None,
        "width of the embedding; default: hidden-size, or that of --vectors",
        _MODEL,
        ge=1,
        le=65536,
    )
    standardize: bool = setting(
        True,
        "numbers: each channel less its mean, over its deviation, of the training rows",
        _MODEL,
    )

    class_weights: Literal["none", "balanced"] = setting(
        "none", "balanced: a class counts the more, the rarer it is in training", _LOSS
    )
    label_smoothing: float = setting(
        0.0, "share of a label's weight spread over all classes (Szegedy 2016)", _LOSS, ge=0, lt=1
    )
    choose: Literal["loss", "accuracy"] = setting(
        "loss",
        "what the kept weights are best in, on validation; with many labels a row,"
        " accuracy is micro F1",
        "Evaluation and checkpoints",
    )

    dropout: float = share_setting(0.3, "on the input, between layers and before the read-out")
    word_dropout: float = share_setting(
        0.0, "share of words or steps whose vector is dropped whole (Iyyer 2015)"
    )

    learning_rate: float = setting(2e-3, "the highest learning rate", _OPTIMIZATION, gt=0)
    max_steps: int = setting(2000, "stop after this many steps", _BUDGET, ge=1)

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
        if self.per_step and self.label_separator is not None:
            raise ValueError("--per-step with --label-separator: a step has one label; use one")
        return self


class SentimentConfig(ClassifyConfig):
    """A classifier of texts."""
