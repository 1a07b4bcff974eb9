"""The settings of a translation."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, model_validator

from elman.data.tables.asked import TableSettings
from elman.evaluation.tokenization import Tokenization
from elman.predictors.translation import SearchOptions
from elman.settings import section
from elman.tasks.network_config import (
    StackConfig,
    Unit,
    VocabularyConfig,
    share_setting,
    size_setting,
    unit_setting,
)

_text = section("Text")
_model = section("Model")
_regularization = section("Regularization")
_optimization = section("Optimization")
_records = section("Evaluation and checkpoints")
_budget = section("Budget")


_NOISE = ("recurrent_dropout", "weight_dropout", "zoneout", "cell_zoneout")


class TranslationConfig(TableSettings, StackConfig, VocabularyConfig):
    """Translation: the texts, encoder, decoder and attention, and training."""

    source: str | None = _text(
        None,
        "the source: the column or its number, the JSON key, or the suffix of parallel"
        " files in a folder; default: detected",
    )
    target: str | None = _text(None, "the target, named likewise")
    skip_bad_rows: bool = _text(False, "leave out rows that can't be read, and count them")
    pieces: ClassVar[int] = 4000
    unit: Unit = unit_setting("bpe")
    split_punctuation: bool = _text(True, "unit word: words apart from their punctuation")
    vocab_size: int | None = size_setting(pieces)
    vocabulary: Literal["joint", "separate"] = _text(
        "joint", "one vocabulary for both languages, or one each"
    )
    max_length: int = _text(100, "leave out training pairs with more tokens on either side", ge=2)
    valid_fraction: float = _text(
        0.05, "share of the pairs drawn for validation, where they are not split", gt=0, lt=1
    )
    test_fraction: float = _text(
        0.05, "share of the pairs drawn for testing; 0: no test", ge=0, lt=1
    )

    cell: str = _model(
        "gru", "of encoder and decoder: rnn, rnn-relu, gru, lstm, or package.module:Class"
    )
    embedding_size: int = _model(192, "width of the embeddings", ge=1, le=65536)
    encoder_size: int = _model(192, "units of each direction of the encoder", ge=1, le=65536)
    hidden_size: int = _model(384, "units of the decoder", ge=1, le=65536)
    encoder_layers: int = _model(1, "layers of the encoder", ge=1, le=64)
    num_layers: int = _model(1, "layers of the decoder", ge=1, le=64)
    attention: Literal["dot", "general", "additive"] = _model(
        "general",
        "how the source is looked at: dot or general (Luong 2015), additive (Bahdanau 2014)",
    )
    input_feeding: bool = _model(
        False,
        "feed the attentional state to the next step (Luong 2015); slower, since the"
        " decoder then runs step by step",
    )
    tied: Literal["none", "decoder", "all"] | None = _model(
        None,
        "the output layer shares the target embedding; all: the source embedding too;"
        " default: all where the vocabulary is joint",
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
    sampling_steps: int = _regularization(
        2000, "steps over which scheduled-sampling rises from 0", ge=1
    )

    batch_tokens: int = _optimization(
        1500, "the most tokens of either side in a batch, padding included", ge=1
    )
    batch_size: int = _optimization(512, "the most pairs in a batch", ge=1)
    learning_rate: float = _optimization(2e-3, "the highest learning rate", gt=0)
    betas: tuple[float, float] = _optimization((0.9, 0.98), "AdamW's decay rates")
    max_steps: int = _budget(5000, "stop after this many steps", ge=1)
    eval_every: int = _records(250, "steps between evaluations", ge=1)
    bleu_tokenize: Tokenization | None = _records(
        None, "how BLEU cuts text into tokens; default: as the script of the references needs"
    )

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


class TranslationEvaluation(TableSettings, SearchOptions):
    """How translations are searched for and scored."""

    batch_size: int = Field(128, ge=1, description="sentences translated side by side")
    sentences: int = Field(
        5000, ge=1, description="translate at most so many of each file for BLEU and chrF"
    )
    skip_bad_rows: bool = Field(default=False, description="leave out rows that can't be read")
    bleu_tokenize: Tokenization | None = Field(
        None,
        description="how BLEU cuts text into tokens; default: as in training, or as the script of"
        " the references needs",
    )
