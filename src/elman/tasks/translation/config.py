"""The settings of a translation."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from elman.predictors.translation import SearchOptions
from elman.settings import setting
from elman.tasks.network_config import (
    StackConfig,
    Unit,
    VocabularyConfig,
    share_setting,
    size_setting,
    unit_setting,
)

_TEXT = "Text"
_MODEL = "Model"
_REGULARIZATION = "Regularization"
_OPTIMIZATION = "Optimization"
_RECORDS = "Evaluation and checkpoints"

_NOISE = ("recurrent_dropout", "weight_dropout", "zoneout", "cell_zoneout")


class TranslationConfig(StackConfig, VocabularyConfig):
    """Translation: the texts, encoder, decoder and attention, and training."""

    source: str | None = setting(
        None,
        "the source: the column or its number, the JSON key, or the suffix of parallel"
        " files in a folder; default: detected",
        _TEXT,
    )
    target: str | None = setting(None, "the target, named likewise", _TEXT)
    skip_bad_rows: bool = setting(False, "leave out rows that can't be read, and count them", _TEXT)
    pieces: ClassVar[int] = 4000
    unit: Unit = unit_setting("bpe")
    vocab_size: int | None = size_setting(pieces)
    vocabulary: Literal["joint", "separate"] = setting(
        "joint", "one vocabulary for both languages, or one each", _TEXT
    )
    max_length: int = setting(
        100, "leave out training pairs with more tokens on either side", _TEXT, ge=2
    )
    valid_fraction: float = setting(
        0.05, "share of the pairs drawn for validation, where they are not split", _TEXT, gt=0, lt=1
    )
    test_fraction: float = setting(
        0.05, "share of the pairs drawn for testing; 0: no test", _TEXT, ge=0, lt=1
    )

    cell: str = setting(
        "gru", "of encoder and decoder: rnn, rnn-relu, gru, lstm, or package.module:Class", _MODEL
    )
    embedding_size: int = setting(192, "width of the embeddings", _MODEL, ge=1, le=65536)
    encoder_size: int = setting(
        192, "units of each direction of the encoder", _MODEL, ge=1, le=65536
    )
    hidden_size: int = setting(384, "units of the decoder", _MODEL, ge=1, le=65536)
    encoder_layers: int = setting(1, "layers of the encoder", _MODEL, ge=1, le=64)
    num_layers: int = setting(1, "layers of the decoder", _MODEL, ge=1, le=64)
    attention: Literal["dot", "general", "additive"] = setting(
        "general",
        "how the source is looked at: dot or general (Luong 2015), additive (Bahdanau 2014)",
        _MODEL,
    )
    input_feeding: bool = setting(
        False,
        "feed the attentional state to the next step (Luong 2015); slower, since the"
        " decoder then runs step by step",
        _MODEL,
    )
    tied: Literal["none", "decoder", "all"] | None = setting(
        None,
        "the output layer shares the target embedding; all: the source embedding too;"
        " default: all where the vocabulary is joint",
        _MODEL,
    )

    dropout: float = share_setting(
        0.2, "on embeddings, between layers, on the encoder's outputs and on the output"
    )
    label_smoothing: float = share_setting(
        0.1, "probability that is spread over all tokens (Szegedy 2016)"
    )
    scheduled_sampling: float = share_setting(
        0.0,
        "probability that the decoder reads its own sample, not the true token "
        "(Bengio 2015); slower, as input-feeding",
    )
    sampling_steps: int = setting(
        2000, "steps over which scheduled-sampling rises from 0", _REGULARIZATION, ge=1
    )

    batch_tokens: int = setting(
        1500, "the most tokens of either side in a batch, padding included", _OPTIMIZATION, ge=1
    )
    batch_size: int = setting(512, "the most pairs in a batch", _OPTIMIZATION, ge=1)
    learning_rate: float = setting(2e-3, "the highest learning rate", _OPTIMIZATION, gt=0)
    betas: tuple[float, float] = setting((0.9, 0.98), "AdamW's decay rates", _OPTIMIZATION)
    max_steps: int = setting(5000, "stop after this many steps", "Budget", ge=1)
    eval_every: int = setting(250, "steps between evaluations", _RECORDS, ge=1)

    @property
    def tie(self) -> Literal["none", "decoder", "all"]:
        """Which weights are tied: `tied`, or its default."""
        return self.tied or ("all" if self.vocabulary == "joint" else "decoder")

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if (self.source is None) != (self.target is None):
            raise ValueError("--source and --target go together; give both or neither")
        if self.source is not None and self.source == self.target:
            raise ValueError(f"--source and --target are both {self.source!r}; they must differ")
        if self.tied == "all" and self.vocabulary == "separate":
            raise ValueError(
                "--tied all with --vocabulary separate: two vocabularies share no weights; use"
                " --tied decoder"
            )
        if self.attention == "dot" and self.hidden_size != 2 * self.encoder_size:
            raise ValueError(
                "--attention dot compares the decoder's state with both directions of the encoder;"
                f" make --hidden-size {2 * self.encoder_size}, or use --attention general"
            )
        for name in _NOISE:
            if getattr(self, name) and (self.input_feeding or self.scheduled_sampling):
                raise ValueError(
                    f"--{name.replace('_', '-')} is drawn for whole sequences, which"
                    " --input-feeding and --scheduled-sampling do not run; leave one of them out"
                )
        return self


class TranslationEvaluation(SearchOptions):
    """How translations are searched for and scored."""

    batch_size: int = Field(128, ge=1, description="sentences translated side by side")
    sentences: int = Field(
        5000, ge=1, description="translate at most so many of each file for BLEU and chrF"
    )
