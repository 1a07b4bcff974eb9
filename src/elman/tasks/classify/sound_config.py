"""The settings of a classifier that apply to audio only. Free of torch."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from elman.data.audio.settings import AudioSettings
from elman.settings import listed, section
from elman.training.config import TrainingConfig

_audio = section("Audio")

_Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]


class SoundConfig(AudioSettings, TrainingConfig):
    """Where recordings are, how they become steps, and how those of training are varied."""

    rate: int | None = _audio(
        None,
        "Hz that audio is resampled to; default: 16000, or the lowest rate of the training"
        " recordings where that is lower",
        ge=4000,
        le=96_000,
    )
    bins: int = _audio(40, "mel bins of a frame", ge=3, le=256)
    frame_length: float = _audio(0.025, "seconds of audio in a frame", gt=0, le=1)
    frame_shift: float = _audio(0.010, "seconds from one frame to the next", gt=0, le=1)
    low: float = _audio(20.0, "lowest frequency in Hz", ge=0)
    high: float = _audio(0.0, "highest frequency in Hz; 0 or less: so far from half the rate")
    tail: float = _audio(0.0, "seconds of digital silence after the end of a recording", ge=0, le=5)
    window: int = _audio(3, "frames of audio that the network reads in a step", ge=1, le=100)
    encoder: Literal["stack", "conv"] = _audio(
        "stack", "a window's frames side by side, or through a small convolution"
    )
    speeds: _Numbers = _audio(
        (1.0,), "factors of the speed, one drawn for each row and epoch (Ko 2015)"
    )
    time_masks: int = _audio(
        2, "SpecAugment: stretches of time hidden in each row (Park 2019)", ge=0, le=100
    )
    time_width: int = _audio(5, "the most frames of each", ge=0, le=10_000)
    frequency_masks: int = _audio(2, "SpecAugment: bands of bins hidden", ge=0, le=100)
    frequency_width: int = _audio(5, "the most bins of each", ge=0, le=256)
    channel: float = _audio(
        5.0,
        "the most dB by which a training row is made louder or softer, as a whole and smoothly over"
        " the band, as microphones and rooms do",
        ge=0,
        le=60,
    )
    noise: float = _audio(0.0, "share of training rows with white noise added", ge=0, le=1)
    snr: _Numbers = _audio(
        (5.0, 30.0), "the lowest and highest signal-to-noise ratio of those, in dB"
    )

    @model_validator(mode="after")
    def _audio_fits_together(self) -> Self:
        if not self.speeds or not all(0.5 <= speed <= 2 for speed in self.speeds):
            raise ValueError(
                f"--speeds {_said(self.speeds)}: expected factors from 0.5 to 2; use 1 for none"
            )
        if len(self.snr) != 2 or not -40 <= self.snr[0] <= self.snr[1] <= 100:
            raise ValueError(
                f"--snr {_said(self.snr)}: expected the lowest and the highest ratio in dB, such as"
                " 5,30"
            )
        return self

    def asked_of_audio(self) -> str | None:
        """A setting for audio that was given, if any was, as its flag."""
        own = SoundConfig.model_fields.keys() - TrainingConfig.model_fields.keys()
        return self.first_asked(sorted(own))


def _said(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
