"""The settings of a classifier. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import model_validator

from elman.data.tables.asked import TableSettings
from elman.settings import section
from elman.tasks.classify.classifier_config import ClassifierConfig
from elman.tasks.classify.sound_config import SoundConfig
from elman.tasks.network_config import VocabularyConfig, share_setting

_data = section("Data")
_text = section("Text")
_model = section("Model")
_start = section("Start from a language model")


class ClassifyConfig(TableSettings, ClassifierConfig, SoundConfig, VocabularyConfig):
    """A classifier: its data, the network, the loss, regularization, and training."""

    text_column: str | None = _data(None, "column of the text; by default it is found")
    label_first: bool = _data(
        False, "lines of text begin with their label, a word; __label__ is seen without it"
    )
    per_step: bool = _data(
        False, "a label for every word or step: CoNLL columns, or a label column in sequences"
    )

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

    embedding_size: int | None = _model(
        None, "width of the embedding; default: hidden-size, or that of --vectors", ge=1, le=65536
    )
    standardize: bool = _model(
        True, "numbers: each channel less its mean, over its deviation, of the training rows"
    )

    word_dropout: float = share_setting(
        0.0, "share of words or steps whose vector is dropped whole (Iyyer 2015)"
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
