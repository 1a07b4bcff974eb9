"""The settings of a translation. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from elman.tasks.network_config import StackConfig
from elman.training.config import section

_TEXT = section("Text")
_MODEL = section("Model")
_REGULARIZATION = section("Regularization")
_OPTIMIZATION = section("Optimization")
_RECORDS = section("Evaluation and checkpoints")

_NOISE = ("recurrent_dropout", "weight_dropout", "zoneout", "cell_zoneout")


class TranslationConfig(StackConfig):
    """A translation: which texts, the two networks and what joins them, and training."""

    source: str | None = Field(
        None,
        description="what is read: the column or its number, the JSON key, or the ending of"
        " parallel files in a folder; default: found, and said",
        json_schema_extra=_TEXT,
    )
    target: str | None = Field(
        None, description="what is written, named likewise", json_schema_extra=_TEXT
    )
    skip_bad_rows: bool = Field(
        False,
        description="leave out rows that can't be read, and count them",
        json_schema_extra=_TEXT,
    )
    unit: Literal["char", "bpe", "word"] = Field(
        "bpe",
        description="a token is a character, a byte-level BPE piece trained on the text, or a"
        " word (<unk> for rare ones)",
        json_schema_extra=_TEXT,
    )
    vocabulary: Literal["joint", "separate"] = Field(
        "joint",
        description="one vocabulary for both languages, or one each",
        json_schema_extra=_TEXT,
    )
    vocab_size: int | None = Field(
        None,
        ge=2,
        le=1_000_000,
        description="the most tokens to know; default: 4000 for bpe, no limit for word and char",
        json_schema_extra=_TEXT,
    )
    min_count: int = Field(
        1,
        ge=1,
        description="how often a word or character must come in the training text to be known",
        json_schema_extra=_TEXT,
    )
    max_length: int = Field(
        100,
        ge=2,
        description="leave out training pairs with more tokens on either side",
        json_schema_extra=_TEXT,
    )
    valid_fraction: float = Field(
        0.05,
        gt=0,
        lt=1,
        description="share of the pairs drawn for validation, where they are not split",
        json_schema_extra=_TEXT,
    )
    test_fraction: float = Field(
        0.05,
        ge=0,
        lt=1,
        description="share of the pairs drawn for testing; 0: no test",
        json_schema_extra=_TEXT,
    )

    cell: str = Field(
        "gru",
        description="of encoder and decoder: rnn, rnn-relu, gru, lstm, or package.module:Class",
        json_schema_extra=_MODEL,
    )
    embedding_size: int = Field(
        192, ge=1, le=65536, description="width of the embeddings", json_schema_extra=_MODEL
    )
    encoder_size: int = Field(
        192,
        ge=1,
        le=65536,
        description="units of each direction of the encoder",
        json_schema_extra=_MODEL,
    )
    hidden_size: int = Field(
        384, ge=1, le=65536, description="units of the decoder", json_schema_extra=_MODEL
    )
    encoder_layers: int = Field(
        1, ge=1, le=64, description="layers of the encoder", json_schema_extra=_MODEL
    )
    num_layers: int = Field(
        1, ge=1, le=64, description="layers of the decoder", json_schema_extra=_MODEL
    )
    attention: Literal["dot", "general", "additive"] = Field(
        "general",
        description="how the source is looked at: dot or general (Luong 2015), additive"
        " (Bahdanau 2014)",
        json_schema_extra=_MODEL,
    )
    input_feeding: bool = Field(
        False,
        description="read what attention found at the next step (Luong 2015); slower, since the"
        " decoder then goes step by step",
        json_schema_extra=_MODEL,
    )
    tied: Literal["none", "decoder", "all"] | None = Field(
        None,
        description="read out with the embedding of the target; all: of the source too; default:"
        " all where the vocabulary is joint",
        json_schema_extra=_MODEL,
    )

    dropout: float = Field(
        0.2,
        ge=0,
        lt=1,
        description="on embeddings, between layers, on what the encoder gives and on the output",
        json_schema_extra=_REGULARIZATION,
    )
    label_smoothing: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="probability that is spread over all tokens (Szegedy 2016)",
        json_schema_extra=_REGULARIZATION,
    )
    scheduled_sampling: float = Field(
        0.0,
        ge=0,
        lt=1,
        description="probability that the decoder reads its own guess, not the truth (Bengio"
        " 2015); slower, as input-feeding",
        json_schema_extra=_REGULARIZATION,
    )
    sampling_steps: int = Field(
        2000,
        ge=1,
        description="steps over which scheduled-sampling rises from 0",
        json_schema_extra=_REGULARIZATION,
    )

    batch_tokens: int = Field(
        1500,
        ge=1,
        description="the most tokens of either side in a batch, padding included",
        json_schema_extra=_OPTIMIZATION,
    )
    batch_size: int = Field(
        512, ge=1, description="the most pairs in a batch", json_schema_extra=_OPTIMIZATION
    )
    learning_rate: float = Field(
        2e-3, gt=0, description="the highest learning rate", json_schema_extra=_OPTIMIZATION
    )
    betas: tuple[float, float] = Field(
        (0.9, 0.98), description="AdamW's decay rates", json_schema_extra=_OPTIMIZATION
    )
    max_steps: int = Field(
        5000, ge=1, description="stop after this many steps", json_schema_extra=section("Budget")
    )
    eval_every: int = Field(
        250, ge=1, description="steps between evaluations", json_schema_extra=_RECORDS
    )

    @property
    def tie(self) -> Literal["none", "decoder", "all"]:
        """What is tied, the default settled."""
        return self.tied or ("all" if self.vocabulary == "joint" else "decoder")

    @property
    def vocabulary_limit(self) -> int | None:
        """The vocabulary size to ask of a tokenizer; None: all there is."""
        return 4000 if self.vocab_size is None and self.unit == "bpe" else self.vocab_size

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
