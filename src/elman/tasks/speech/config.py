"""The settings of a recognizer. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal, Self

from pydantic import BeforeValidator, model_validator

from elman.data.audio.settings import AudioSettings
from elman.data.audio.transcripts import Spelling
from elman.data.tables.asked import TableSettings
from elman.settings import listed, section
from elman.tasks.network_config import (
    PlacedDropoutConfig,
    VocabularyConfig,
    share_setting,
    size_setting,
)

_data = section("Data")
_audio = section("Audio")
_text = section("Text")
_front = section("Front end")
_model = section("Model")
_augmentation = section("Augmentation")
_budget = section("Budget")
_optimization = section("Optimization")
_schedule = section("Schedule")
_records = section("Evaluation and checkpoints")

_Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]


class SpeechConfig(AudioSettings, TableSettings, PlacedDropoutConfig, VocabularyConfig):
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

    rate: int | None = _front(
        None,
        "Hz that audio is resampled to; default: 16000, or the lowest rate of the training"
        " recordings where that is lower",
        ge=4000,
        le=96_000,
    )
    bins: int = _front(40, "mel bins of a frame", ge=3, le=256)
    frame_length: float = _front(0.025, "seconds of audio in a frame", gt=0, le=1)
    frame_shift: float = _front(0.010, "seconds from one frame to the next", gt=0, le=1)
    low: float = _front(20.0, "lowest frequency in Hz", ge=0)
    high: float = _front(0.0, "highest frequency in Hz; 0 or less: so far from half the rate")
    tail: float = _front(
        0.2, "seconds of digital silence after the end of an utterance", ge=0, le=5
    )
    keep: Literal["frames", "samples"] | None = _front(
        None,
        "what the run keeps on disk to train on: frames at each speed (fastest), or 16-bit"
        " samples (least room); default: frames, samples with --noise",
    )

    window: int = _model(4, "frames that a network step reads", ge=1, le=100)
    stride: int = _model(3, "frames from one network step to the next", ge=1, le=100)
    encoder: Literal["stack", "conv"] = _model(
        "stack", "a window's frames side by side, or through a small convolution"
    )
    hidden_size: int = _model(256, "units of a direction of a layer", ge=1, le=65536)
    num_layers: int = _model(3, "recurrent layers, one on the other", ge=1, le=64)
    bidirectional: bool = _model(
        True, "read from both ends; off: from the beginning only, as `elman stream` needs"
    )

    dropout: float = share_setting(0.2, "between layers and on the output")
    input_dropout: float | None = share_setting(0.0, "on what enters the first layer")

    speeds: _Numbers = _augmentation(
        (0.9, 1.0, 1.1), "factors of the speed, one drawn for each row and epoch (Ko 2015)"
    )
    time_masks: int = _augmentation(
        2, "SpecAugment: stretches of time hidden in each row (Park 2019)", ge=0, le=100
    )
    time_width: int = _augmentation(20, "the most frames of each", ge=0, le=10_000)
    frequency_masks: int = _augmentation(2, "SpecAugment: bands of bins hidden", ge=0, le=100)
    frequency_width: int = _augmentation(8, "the most bins of each", ge=0, le=256)
    channel: float = _augmentation(
        5.0,
        "the most dB by which a training row is made louder or softer, as a whole and smoothly over"
        " the band, as microphones and rooms do",
        ge=0,
        le=60,
    )
    noise: float = _augmentation(0.0, "share of training rows with noise added", ge=0, le=1)
    snr: _Numbers = _augmentation(
        (5.0, 30.0), "the lowest and highest signal-to-noise ratio of those, in dB"
    )

    batch_size: int = _optimization(16, "utterances trained side by side", ge=1)
    sort_first_epoch: bool = _optimization(
        True, "the first epoch from short to long utterances (SortaGrad, Amodei 2016)"
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
        if not self.speeds or not all(0.5 <= speed <= 2 for speed in self.speeds):
            raise ValueError(
                f"--speeds {_said(self.speeds)}: expected factors from 0.5 to 2; use 1 for none"
            )
        if len(self.snr) != 2 or not -40 <= self.snr[0] <= self.snr[1] <= 100:
            raise ValueError(
                f"--snr {_said(self.snr)}: expected the lowest and the highest ratio in dB, such as"
                " 5,30"
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
    def keeps_samples(self) -> bool:
        """Whether samples are kept, and not frames."""
        return self.keep == "samples" or (self.keep is None and self.noise > 0)


def _said(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
