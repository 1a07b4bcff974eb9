"""The settings that the networks which hear share. Free of torch, as every config is."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BeforeValidator, model_validator

from elman.data.audio.settings import AudioSettings
from elman.settings import listed, section
from elman.training.config import TrainingConfig

_front = section("Audio front end")
_augmentation = section("Audio augmentation")

Numbers: TypeAlias = Annotated[tuple[float, ...], BeforeValidator(listed)]


def window_setting(default: int, about: str) -> Any:
    """How many frames a step of the network reads."""
    return _front(default, about, ge=1, le=100)


def tail_setting(default: float, about: str) -> Any:
    """Silence after the end of what is heard."""
    return _front(default, about, ge=0, le=5)


def speeds_setting(default: tuple[float, ...]) -> Any:
    """Factors of the speed of training rows."""
    return _augmentation(
        default, "factors of the speed, one drawn for each row and epoch (Ko 2015)"
    )


def time_width_setting(default: int) -> Any:
    """How much of the time a mask of SpecAugment hides."""
    return _augmentation(default, "the most frames that a mask hides", ge=0, le=10_000)


def frequency_width_setting(default: int) -> Any:
    """How much of the band a mask of SpecAugment hides."""
    return _augmentation(default, "the most bins that a mask hides", ge=0, le=256)


class AudioConfig(AudioSettings, TrainingConfig):
    """Where recordings are, how they become steps, and how those of training are varied.

    A task says `window`, `tail`, `speeds` and the widths of the masks with defaults of its own.
    """

    rate: int | None = _front(
        None,
        "Hz that audio is resampled to; default: 16000, or the lowest rate that more than a few"
        " training recordings have, where that is lower",
        ge=4000,
        le=96_000,
    )
    bins: int = _front(40, "mel bins of a frame", ge=3, le=256)
    frame_length: float = _front(0.025, "seconds of audio in a frame", gt=0, le=1)
    frame_shift: float = _front(0.010, "seconds from one frame to the next", gt=0, le=1)
    low: float = _front(20.0, "lowest frequency in Hz", ge=0)
    high: float = _front(0.0, "highest frequency in Hz; 0 or less: so far from half the rate")
    tail: float = tail_setting(0.0, "seconds of digital silence after the end of a recording")
    window: int = window_setting(3, "frames of audio that the network reads in a step")
    encoder: Literal["stack", "conv"] = _front(
        "stack", "a window's frames side by side, or through a small convolution"
    )
    speeds: Numbers = speeds_setting((1.0,))
    time_masks: int = _augmentation(
        2, "SpecAugment: stretches of time hidden in each row (Park 2019)", ge=0, le=100
    )
    time_width: int = time_width_setting(5)
    frequency_masks: int = _augmentation(2, "SpecAugment: bands of bins hidden", ge=0, le=100)
    frequency_width: int = frequency_width_setting(5)
    channel: float = _augmentation(
        5.0,
        "the most dB by which a training row is made louder or softer, as a whole and smoothly over"
        " the band, as microphones and rooms do",
        ge=0,
        le=60,
    )
    noise: float = _augmentation(0.0, "share of training rows with white noise added", ge=0, le=1)
    snr: Numbers = _augmentation(
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


def _said(numbers: tuple[float, ...]) -> str:
    return ",".join(f"{number:g}" for number in numbers)
