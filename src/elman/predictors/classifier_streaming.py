"""The options of live classifiers, for whichever input they read."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from elman.errors import InputError
from elman.predictors.classifier_inputs import InputKind
from elman.predictors.live_session import LiveAnswers

_AUDIO, _VIDEO = ("rate",), ("raw", "fps", "pixels")


class ClassifierStreaming(LiveAnswers):
    """How sound or frames come, and when they are answered."""

    rate: int | None = Field(
        default=None,
        description="audio: samples a second of 16-bit PCM; a WAV says it itself",
        ge=1000,
        le=768_000,
    )
    raw: str | None = Field(
        default=None,
        description="video: frames come as bare pixels, WIDTHxHEIGHT each, such as 640x480; a video"
        " file says it itself",
    )
    fps: float | None = Field(
        default=None, description="video: frames a second of --raw frames and of arrays"
    )
    pixels: Literal["gray", "rgb24"] | None = Field(
        default=None, description="video: the bytes of a --raw pixel, 1 or 3; default: gray"
    )

    def require(self, inputs: InputKind) -> None:
        """Raise InputError for an option of another input than `inputs`."""
        own = {"audio": _AUDIO, "video": _VIDEO}.get(inputs)
        for name in sorted(self.model_fields_set):
            kind = "audio" if name in _AUDIO else "video" if name in _VIDEO else "audio and video"
            if own is None or (kind != "audio and video" and name not in own):
                raise InputError(
                    f"--{name}: for {kind}, but this classifier reads {inputs}; leave it out"
                )
