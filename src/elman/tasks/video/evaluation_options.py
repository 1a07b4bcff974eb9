"""The options of `evaluate` for a classifier of video."""

from __future__ import annotations

from pydantic import Field

from elman.data.tables.asked import TableSettings
from elman.data.video.settings import VideoSettings
from elman.settings import Options


class VideoEvaluation(VideoSettings, TableSettings, Options):
    """Where in other data the videos and their labels are."""

    label_column: str | None = Field(
        default=None, description="column of the label, or its number; default: as in training"
    )
    skip_bad_rows: bool = Field(default=False, description="leave out rows that can't be read")
