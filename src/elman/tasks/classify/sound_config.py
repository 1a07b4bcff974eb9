"""The settings of a classifier that apply to audio only. Free of torch."""

from __future__ import annotations

from elman.tasks.audio_config import AudioConfig
from elman.training.config import TrainingConfig


class SoundConfig(AudioConfig):
    """Where recordings are, how they become steps, and how those of training are varied."""

    def asked_of_audio(self) -> str | None:
        """A setting for audio that was given, if any was, as its flag."""
        own = SoundConfig.model_fields.keys() - TrainingConfig.model_fields.keys()
        return self.first_asked(sorted(own))
