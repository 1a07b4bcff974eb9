"""The settings of a classifier of video. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import BeforeValidator, model_validator

from elman.data.tables.asked import TableSettings
from elman.data.video.frame_format import FrameFormat
from elman.data.video.settings import VideoSettings
from elman.settings import listed, section
from elman.tasks.classify.classifier_config import ClassifierConfig
from elman.tasks.network_config import share_setting

_frames = section("Frames")
_model = section("Model")
_changes = section("Augmentation")
_optimization = section("Optimization")

_Numbers = Annotated[tuple[float, ...], BeforeValidator(listed)]


class VideoConfig(TableSettings, VideoSettings, ClassifierConfig):
    """A classifier of videos: its data, the frames, the network, augmentation, and training."""

    frame_rate: float = _frames(
        10.0, "frames a second that the network reads, whatever the video has", gt=0, le=1000
    )
    size: Annotated[str, BeforeValidator(str)] = _frames(
        "64", "pixels a side of those frames, or HEIGHTxWIDTH such as 48x64"
    )
    colour: bool = _frames(False, "frames in colour; off: gray")
    region: _Numbers = _frames(
        (0.0, 0.0, 1.0, 1.0),
        "the part of a frame that is read: left, top, width and height in shares of the frame",
    )
    differences: bool = _frames(
        True, "a frame's difference from the one before, as channels beside its own"
    )
    window_seconds: float = _frames(
        10.0,
        "longer clips are cut into windows for training; validation and test read them whole",
        gt=0,
        le=3600,
    )

    encoder: str = _model(
        "conv",
        "what reads a frame: conv, single frames; convlstm or convgru, a recurrence over maps; or"
        " package.module:Class for a network of your own",
    )
    embedding_size: int | None = _model(
        None, "width of an encoded frame; default: hidden-size", ge=1, le=65536
    )
    bidirectional: bool | None = _model(
        False, "read from both ends; off: from the beginning only, as `elman stream` needs"
    )

    crop: float = _changes(
        0.1,
        "the most by which a training clip is moved, and made larger or smaller, as a share of its"
        " size; all frames of a clip alike",
        ge=0,
        le=0.5,
    )
    speed: float = _changes(
        0.2, "the most by which a training clip is played faster or slower, as a share", ge=0, le=1
    )
    brightness: float = _changes(
        0.2, "the most by which a training clip is made brighter or darker, as a share", ge=0, le=1
    )
    mirror: bool = _changes(
        False, "mirror half of the training clips; not where left and right are labels"
    )
    reverse: bool = _changes(
        False, "play half of the training clips backwards; not where the order is the label"
    )

    dropout: float = share_setting(0.3, "on the input, between layers and before the read-out")
    batch_size: int = _optimization(16, "clips trained side by side", ge=1)

    @property
    def format(self) -> FrameFormat:
        """The frames that the network reads."""
        sides = [int(side) for side in self.size.split("x")]
        left, top, width, height = self.region
        return FrameFormat(
            self.frame_rate, sides[0], sides[-1], self.colour, (left, top, width, height)
        )

    @property
    def window_frames(self) -> int:
        """The most frames of a training clip."""
        return max(round(self.window_seconds * self.frame_rate), 1)

    @property
    def both_ways(self) -> bool:
        return bool(self.bidirectional)

    @model_validator(mode="after")
    def _frames_fit_together(self) -> Self:
        if not re.fullmatch(r"[1-9]\d{0,4}(x[1-9]\d{0,4})?", self.size):
            raise ValueError(
                f"--size {self.size}: expected pixels, such as 64, or height x width, such as 48x64"
            )
        if len(self.region) != 4:
            raise ValueError(
                f"--region: expected left, top, width and height, got {len(self.region)} numbers;"
                " give 0.25,0,0.5,1 for the middle half"
            )
        assert self.format  # its own bounds
        return self
