"""`elman data check FILE`: what would be read of a file, or the line with which `train` refuses."""

from __future__ import annotations

import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from inspect import Parameter as Keyword
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Group, Parameter
from pydantic.fields import FieldInfo

from elman.cli.flags import Command, flag, with_parameters
from elman.data.audio.check import speech_report
from elman.data.audio.dataset import read_utterances
from elman.data.audio.decode import AUDIO_SUFFIXES
from elman.data.audio.listen import Listener
from elman.data.audio.rate import USUAL
from elman.data.given import Files
from elman.data.labeled.videos import read_labeled_videos
from elman.data.series.check import series_report
from elman.data.series.dataset import SeriesData
from elman.data.tables.asked import TableSettings
from elman.data.tables.read import KINDS, read_file, suffix_of
from elman.data.tables.rows_of_text import first_cells
from elman.data.tables.table import BadRows
from elman.data.video.check import video_report
from elman.data.video.container import VIDEO_SUFFIXES
from elman.errors import InputError
from elman.settings import configure
from elman.tasks.runs import task_class
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.speech.data import reading_options
from elman.tasks.task import AnyTask
from elman.tasks.video.config import VideoConfig
from elman.tasks.video.data import reading_options as reading_of_video

READING: Mapping[str, tuple[str, ...]] = {
    "forecast": (
        *("target", "time", "series", "layout", "static", "past", "future"),
        *("frequency", "dates", "time_zone", "missing", "duplicates", "constant", "horizon"),
    ),
    "classify": (
        *("text_column", "label_column", "split_column", "label_separator", "label_first"),
        *("per_step", "skip_bad_rows"),
    ),
    "translation": ("source", "target", "skip_bad_rows"),
    "speech": (
        *("audio_column", "text_column", "start_column", "end_column", "speaker_column"),
        *("split_column", "audio_root", "max_seconds", "skip_bad_rows"),
    ),
    "video": (
        *("video_column", "label_column", "start_column", "end_column", "group_column"),
        *("split_column", "label_separator", "video_root", "fps", "max_seconds", "skip_bad_rows"),
    ),
}
"""The settings of each task that say how a file is read, besides those of all tables."""


def check(
    data: Annotated[list[Path], Parameter(negative_iterable=(), help="files, as `train` has them")],
    /,
    *,
    task: Annotated[
        Literal["forecast", "classify", "translation", "speech", "video"],
        Parameter(help="what it is to be read for"),
    ] = "forecast",
    **flags: Any,
) -> None:
    """See what `elman train TASK FILE` would read, without training: columns, times, first rows."""
    for path in data if task == "forecast" else ():
        if path.is_dir() or suffix_of(path) in (*AUDIO_SUFFIXES, *VIDEO_SUFFIXES):
            what = "video" if suffix_of(path) in VIDEO_SUFFIXES else "recording"
            what = "folder" if path.is_dir() else what
            raise InputError(
                f"{path}: is a {what}, expected a table of times and numbers to forecast; say what"
                " it is to be read for, such as --task classify, --task speech or --task video"
            )
    kind = task_class(task)
    chosen = _settings(kind, flags)
    given = Files(tuple(data))
    # The frames of recordings would take minutes, and nothing of them is shown.
    if isinstance(chosen, SpeechConfig):
        lines = _of_speech(chosen, given)
    elif isinstance(chosen, VideoConfig):
        lines = _of_video(chosen, given)
    else:
        lines = _of_task(kind, chosen, given)
    width = shutil.get_terminal_size().columns
    print(", ".join(map(str, data)))
    for line in lines:
        tabular = "  " in line
        print(line if tabular else textwrap.fill(line, width, subsequent_indent="  "))


def _of_task(kind: type[AnyTask], chosen: Any, given: Files) -> list[str]:
    with tempfile.TemporaryDirectory() as folder:
        read = kind.prepare(chosen, given, Path(folder))
        if isinstance(read, SeriesData):
            return series_report(given, read)
        lines = kind(chosen, read).describe()
    (path, *others) = given.paths
    if not others and KINDS.get(suffix_of(path)) in ("delimited", "json", "parquet"):
        table = read_file(path, BadRows(skip=True), asked=chosen.asked)
        lines += ["", *first_cells(table, {})]
    return lines


def _of_video(chosen: VideoConfig, given: Files) -> list[str]:
    bad = BadRows(chosen.skip_bad_rows)
    found, _ = read_labeled_videos(given, reading_of_video(chosen), chosen.label_separator, bad)
    return video_report(found, chosen.format, bad, chosen.limits)


def _of_speech(chosen: SpeechConfig, given: Files) -> list[str]:
    bad = BadRows(chosen.skip_bad_rows)
    found = read_utterances(given, reading_options(chosen), bad)
    return speech_report(found, Listener(chosen.rate or USUAL, bad, chosen.limits))


def _settings(kind: type[AnyTask], flags: Mapping[str, Any]) -> Any:
    """The config of a task with its own flags; a name of one word where it has no list."""
    fields = kind.Config.model_fields
    own = dict(flags)
    if kind.name == "translation" and own.get("target"):
        own["target"] = ",".join(own["target"])
    if "horizon" in fields:
        own.setdefault("horizon", 1)
    return configure(kind.Config, own)


def _flags() -> list[Keyword]:
    """The flags that say how a file is read, of all tasks, each once."""
    found: dict[str, tuple[FieldInfo, Group]] = {}
    tables = Group.create_ordered("Tables")
    for task, names in READING.items():
        group = Group.create_ordered(f"For {task}")
        for name in names:
            found.setdefault(name, (task_class(task).Config.model_fields[name], group))
    found |= {name: (field, tables) for name, field in TableSettings.model_fields.items()}
    return [flag(name, field, group, show=True) for name, (field, group) in found.items()]


command: Command = with_parameters(check, _flags())
