"""The settings of a classifier that apply to audio only. Free of torch."""

from __future__ import annotations

from elman.settings import section
from elman.tasks.audio_config import AudioConfig
from elman.training.config import TrainingConfig

_augmentation = section("Audio augmentation")


class SoundConfig(AudioConfig):
    """Where recordings are, how they become steps, and how those of training are varied."""

    channel: float = _augmentation(
        5.0,
        "the most dB by which a training row is made louder or softer, as a whole and smoothly over"
        " the band, as microphones and rooms do",
        ge=0,
        le=60,
    )

    def asked_of_audio(self) -> str | None:
        """A setting for audio that was given, if any was, as its flag."""
        own = SoundConfig.model_fields.keys() - TrainingConfig.model_fields.keys()
        return self.first_asked(sorted(own))
