"""The settings of a recognizer. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from elman.data.audio.transcripts import Spelling
from elman.data.tables.asked import TableSettings
from elman.settings import section
from elman.tasks.audio_config import (
    AudioConfig,
    Numbers,
    frequency_width_setting,
    speeds_setting,
    tail_setting,
    time_width_setting,
    window_setting,
)
from elman.tasks.network_config import (
    PlacedDropoutConfig,
    VocabularyConfig,
    share_setting,
    size_setting,
)

_data = section("Data")
_audio = section("Audio")
_text = section("Text")
_front = section("Audio front end")
_model = section("Model")
_budget = section("Budget")
_optimization = section("Optimization")
_schedule = section("Schedule")
_records = section("Evaluation and checkpoints")


class SpeechConfig(AudioConfig, TableSettings, PlacedDropoutConfig, VocabularyConfig):
    """A recognizer: recordings and texts, front end, network, augmentation, and training."""

    text_column: str | None = _data(None, "column of the transcript; by default it is found")
    split_column: str | None = _data(None, "column that says train, valid or test")
    skip_bad_rows: bool = _data(False, "leave out rows that can't be read, and count them")
    valid_fraction: float = _data(
        0.1, "share of rows kept for validation where the data have no split", gt=0, lt=1
    )
    test_fraction: float = _data(0.1, "the same for testing; 0: no test", ge=0, lt=1)
    max_seconds: float = _audio(
        60.0, "bound on the length of a recording", gt=0, le=3600, flag="max-seconds"
    )

    pieces: ClassVar[int] = 512
    unit: Literal["char", "bpe"] = _text(
        "char", "a token is a character, or a byte-level BPE piece trained on the transcripts"
    )
    vocab_size: int | None = size_setting(pieces)
    lower: bool = _text(False, "transcripts in lower case")
    punctuation: bool = _text(
        True, "keep punctuation; off: transcripts without it, but for apostrophes within words"
    )

    tail: float = tail_setting(0.2, "seconds of digital silence after the end of an utterance")
    window: int = window_setting(4, "frames that a network step reads")
    stride: int = _front(3, "frames from one network step to the next", ge=1, le=100)
    keep: Literal["frames", "samples"] | None = _front(
        None,
        "what the run keeps on disk to train on: frames at each speed (fastest), or 16-bit"
        " samples (least room); default: frames, samples with --noise",
    )

    hidden_size: int = _model(256, "units of a direction of a layer", ge=1, le=65536)
    num_layers: int = _model(3, "recurrent layers, one on the other", ge=1, le=64)
    bidirectional: bool = _model(
        True, "read from both ends; off: from the beginning only, as `elman stream` needs"
    )

    dropout: float = share_setting(0.2, "between layers and on the output")
    input_dropout: float | None = share_setting(0.0, "on what enters the first layer")

    speeds: Numbers = speeds_setting((0.9, 1.0, 1.1))
    time_width: int = time_width_setting(20)
    frequency_width: int = frequency_width_setting(8)

    batch_size: int = _optimization(16, "utterances trained side by side", ge=1)
    sort_first_epoch: bool | None = _optimization(
        None,
        "the first epoch from short to long utterances (SortaGrad, Amodei 2016); default: on with"
        " two directions, off with one, which learns worse from it",
    )
    learning_rate: float = _optimization(2e-3, "the highest learning rate", gt=0)
    warmup_steps: int = _schedule(
        100, "steps over which the learning rate rises from 0, with any schedule", ge=0
    )
    max_steps: int = _budget(3000, "stop after this many steps", ge=1)
    patience: int = _budget(
        0, "stop after this many evaluations without better weights by --choose; 0: never", ge=0
    )
    choose: Literal["cer", "wer", "loss"] = _records(
        "cer", "what the kept weights are best in, on validation; cer: character error rate"
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if self.stride > self.window:
            raise ValueError(
                f"--stride {self.stride} with --window {self.window}: frames would be skipped; make"
                " --window at least as large"
            )
        if self.noise and self.keep == "frames":
            raise ValueError(
                "--keep frames with --noise: noise is added to samples; leave --keep out"
            )
        return self

    @property
    def spelling(self) -> Spelling:
        """How transcripts are written."""
        return Spelling(self.lower, self.punctuation)

    @property
    def sorts_first(self) -> bool:
        """Whether the first epoch goes from short to long."""
        return self.bidirectional if self.sort_first_epoch is None else self.sort_first_epoch

    @property
    def keeps_samples(self) -> bool:
        """Whether samples are kept, and not frames."""
        return self.keep == "samples" or (self.keep is None and self.noise > 0)
