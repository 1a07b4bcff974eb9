"""What training a classifier of video needs of the user's data: frames, classes, baselines."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.given import Files, Given, Splits
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import Labeled, LabeledSplits, Sequences, numbered, offsets_of
from elman.data.labeled.videos import VideoOptions, read_labeled_videos, read_more_videos
from elman.data.tables.table import BadRows
from elman.data.video.cache import move_frames
from elman.data.video.rows import VideoColumns, Videos
from elman.errors import InputError
from elman.evaluation.baselines import Baseline, fit_baselines
from elman.files import write_json
from elman.predictors.classifier_inputs import Encoder, Schema
from elman.predictors.classifier_videos import VideoEncoder
from elman.settings import adapter
from elman.tasks.classify.data import FOUND, PROGRESS, SPLITS, ClassifyData, described
from elman.tasks.classify.initialize import Start
from elman.tasks.video.config import VideoConfig
from elman.tasks.video.evaluation_options import VideoEvaluation
from elman.tasks.video.frames_on_disk import Disk, decoded
from elman.training.run_directory import RESUMED

_DATA = "data.json"

MEANS = "mean over frames"
"""What the baseline is called that sees no order."""


@dataclass(frozen=True)
class _Found:
    """The part of the prepared data that is a file of JSON."""

    schema: Schema
    video: VideoColumns
    notes: tuple[str, ...]
    baselines: tuple[Baseline, ...]
    videos: dict[str, Any]


@dataclass(frozen=True, eq=False)
class VideoData(ClassifyData):
    """Labeled clips of each part, decoded, with what was found when they were read.

    Attributes:
        video: where in a table the clips and the labels are.
    """

    video: VideoColumns = VideoColumns()  # noqa: RUF009 (frozen)


def prepare(config: VideoConfig, given: Given | None, folder: Path) -> None:
    """Read labeled videos and leave in `folder` what `open_data` takes.

    Raises:
        InputError: data that can't be trained on.
    """
    if given is None:
        raise InputError("no data; give videos with labels: a folder for each class, or a table")
    bad = BadRows(config.skip_bad_rows)
    splits, columns = read_labeled_videos(
        given, reading_options(config), config.label_separator, bad
    )
    disk, unread = Disk(config.most_disk), bad.notes()  # more may turn out when they are decoded
    parts = {"train": splits.train, "valid": splits.valid}
    if splits.test is not None:
        parts["test"] = splits.test
    means, counts, seconds = {}, {}, 0.0
    for name, part in parts.items():
        assert isinstance(part.inputs, Videos)
        found = decoded(
            part.inputs,
            config.format,
            bad,
            disk,
            limits=config.limits,
            path=folder / RESUMED / f"{name}.npy",
            progress=PROGRESS.info,
        )
        labels = replace(part.labels, ids=part.labels.ids[found.rows])
        rows = Encoded(found.frames, found.offsets, labels.ids, labels.kind)
        rows.save(folder / name, steps=False)
        counts[name] = (len(rows), len(rows.steps))
        origin = part.inputs.origin.take(found.rows)
        once = offsets_of([1] * len(rows))
        mean = Sequences(found.means, once, numbered(found.means), origin)
        means[name] = Labeled(mean, labels)
        if name == "train":
            windows = cut_into_windows(rows, config.window_frames)
            seconds = float(np.median(windows.lengths)) / config.frame_rate
    encoder = VideoEncoder(config.format, config.differences, clip_seconds=seconds)
    kept = replace(columns, root=None, asked=columns.asked.for_later())
    schema = Schema(splits.train.labels.names, splits.train.labels.kind, "video", video=kept)
    read = (note for note in splits.notes if note not in unread)
    notes = [*read, *bad.notes(), _frames(encoder)]
    for line in described(notes, counts, schema, Encoder(None, None, videos=encoder)):
        FOUND.info(line)
    flat = LabeledSplits(means["train"], means["valid"], means.get("test"))
    baselines = fit_baselines(flat, config.seed, PROGRESS.info, MEANS, others=False)
    content = _Found(schema, kept, tuple(notes), tuple(baselines), encoder.settings())
    for name in parts:
        move_frames(folder / RESUMED / f"{name}.npy", folder / name / "steps.npy")
    write_json(folder / _DATA, asdict(content))


def reading_options(config: VideoConfig) -> VideoOptions:
    """Where the settings say that videos and labels are, and how they are split."""
    columns = config.video_columns(
        label=config.label_column, split=config.split_column, asked=config.asked
    )
    return VideoOptions(
        columns, config.limits, config.valid_fraction, config.test_fraction, config.seed
    )


def open_data(config: VideoConfig, folder: Path) -> VideoData:
    """What `prepare` left in `folder`; the frames stay on disk until they are used."""
    path = folder / _DATA
    try:
        found = adapter(_Found).validate_json(path.read_bytes())
        encoder = VideoEncoder.of(found.videos)
    except (OSError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise InputError(
            f"{path}: cannot be read as the data of a classifier of video ({reason}); train again"
        ) from error
    schema = found.schema
    splits = {}
    for name in SPLITS:
        if name == "test" and not (folder / name).exists():
            continue
        rows = Encoded.open(folder / name, schema.kind, differences=encoder.differences)
        if rows.steps.dtype != np.uint8 or rows.steps.shape[1:] != encoder.format.shape:
            raise InputError(f"{folder / name}: not the frames of this run; train again")
        splits[name] = rows
    whole = Encoder(None, None, videos=encoder)
    return VideoData(
        splits, schema, whole, found.baselines, Start(), found.notes, video=found.video
    )


def other_rows(
    data: VideoData, given: Given, options: VideoEvaluation, bad: BadRows
) -> dict[str, Encoded]:
    """The clips of other data, with their labels, by the name of each part."""
    match given:
        case Files(paths):
            names = [path.name for path in paths]
            unique = len(set(names)) == len(names)
            parts: dict[str, Given] = {
                path.name if unique else str(path): Files((path,)) for path in paths
            }
        case Splits():
            raise InputError("the data are cut into parts; give one of them")
        case _:
            parts = {given.where: given}
    schema, encoder = data.schema, data.encoder.videos
    assert encoder is not None
    columns = options.video_columns(data.video, label=options.label_column, asked=options.asked)
    found, disk = {}, Disk(options.most_disk)
    for name, part in parts.items():
        rows = read_more_videos(
            part,
            columns,
            schema.names,
            schema.kind,
            schema.columns.label_separator,
            bad,
            options.limits,
        )
        assert isinstance(rows.inputs, Videos)
        frames = decoded(rows.inputs, encoder.format, bad, disk, limits=options.limits)
        labels = rows.labels.ids[frames.rows]
        found[name] = Encoded(
            frames.frames,
            frames.offsets,
            labels,
            schema.kind,
            differences=encoder.differences,
        )
    return found


def cut_into_windows(rows: Encoded, most: int) -> Encoded:
    """Each clip as windows of at most `most` frames, as alike in length as can be."""
    offsets, source = [0], []
    for row, length in enumerate(rows.lengths):
        pieces = max(-(-int(length) // most), 1)
        begin = int(rows.offsets[row])
        offsets += [begin + int(length) * piece // pieces for piece in range(1, pieces + 1)]
        source += [row] * pieces
    assert rows.labels is not None
    ids = np.asarray(rows.labels)[source]
    return replace(rows, offsets=np.asarray(offsets, np.int64), labels=ids)


def _frames(encoder: VideoEncoder) -> str:
    """A line about the frames."""
    shape = encoder.format
    colour = "in colour" if shape.colour else "gray"
    beside = ", with differences" if encoder.differences else ""
    return (
        f"{shape.rate:g} frames a second, {shape.height} x {shape.width} pixels, {colour}{beside}"
    )
