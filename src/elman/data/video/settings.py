"""What a user says of videos, as settings of tasks and as options of commands."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel

from elman.data.tables.asked import Asked
from elman.data.video.clips import VideoLimits
from elman.data.video.rows import VideoColumns
from elman.settings import section

_video = section("Video")


class VideoSettings(BaseModel):
    """Where videos are, who is in them, and how long and large they may be."""

    video_column: str | None = _video(
        None, "column of the paths of videos, or its number; default: found"
    )
    start_column: str | None = _video(
        None, "column of the second at which a row begins; default: start, begin"
    )
    end_column: str | None = _video(None, "column of the second at which it ends; default: end")
    group_column: str | None = _video(
        None,
        "column of who or what a video was taken of; no such is in two parts; default: group,"
        " person, subject, source",
    )
    video_root: Path | None = _video(
        None, "folder that paths of videos are below; default: that of the table"
    )
    fps: float | None = _video(
        None, "images a second of folders of images, frames a second of arrays", gt=0, le=1000
    )
    max_seconds: float = _video(
        4 * 3600.0, "bound on the length of a video", gt=0, le=24 * 3600, flag="max-seconds"
    )
    most_disk: float = _video(
        20.0, "bound on the disk that decoded frames take, in GB", gt=0, le=100_000
    )

    @property
    def limits(self) -> VideoLimits:
        """The bounds on each video."""
        return VideoLimits(seconds=self.max_seconds)

    def video_columns(
        self,
        trained: VideoColumns = VideoColumns(),  # noqa: B008 (frozen)
        *,
        label: str | None = None,
        split: str | None = None,
        asked: Asked = Asked(),  # noqa: B008
    ) -> VideoColumns:
        """The columns of a table of videos: these settings over what training found.

        Paths are below the folder of each table unless `video_root` is set: another data set has
        its own.
        """
        said = {
            "video": self.video_column,
            "label": label,
            "begin": self.start_column,
            "end": self.end_column,
            "group": self.group_column,
            "split": split,
        }
        return VideoColumns(
            found=tuple(name for name in trained.found if said.get(name) is None),
            video=self.video_column or trained.video,
            label=label or trained.label,
            begin=self.start_column or trained.begin,
            end=self.end_column or trained.end,
            group=self.group_column or trained.group,
            split=split or trained.split,
            root=self.video_root,
            fps=self.fps or trained.fps,
            dialect=trained.dialect,
            asked=asked.over(trained.asked),
        )
