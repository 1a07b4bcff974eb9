"""What a classifier of video says of clips that are files, tables of them, or arrays.

Legend: T frames, S frames of several clips, H, W, C of a frame, K classes.
"""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from pydantic import Field

from elman.data.given import Files, Given, one_part
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import offsets_of
from elman.data.tables.table import BadRows
from elman.data.video.clips import Clip, VideoLimits
from elman.data.video.decode import read_clip
from elman.data.video.read import read_rows
from elman.data.video.rows import VideoRows
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.plots.strip import Frames, Strip, Thumbnails, draw_strip
from elman.plots.style import check_figure
from elman.predictors.classifier_inputs import Row, RowOptions, Schema
from elman.predictors.classifier_outputs import answered, probabilities_of, softened
from elman.predictors.classifier_videos import VideoEncoder
from elman.predictors.live_session import LiveSession
from elman.settings import Options
from elman.streaming.stream import Stream

LOG = logging.getLogger("elman")

BLANK = "every pixel the same"

_AT_ONCE, _BYTES = 256, 1 << 28
"""Clips, and bytes of their frames on disk, that are answered at a time; or one clip."""


class VideoPrediction(Options):
    """What is asked of videos beside their labels."""

    segments: bool = Field(
        default=False,
        description="video: a row for each stretch of one label, with its begin and end in seconds",
    )
    over: float | None = Field(
        default=None,
        description="video: seconds of the windows that segments are found in; default: the length"
        " of a clip in training",
        gt=0,
        le=3600,
    )
    shortest: float | None = Field(
        default=None,
        description="video: seconds that a segment lasts at least; default: half of --over",
        ge=0,
        le=3600,
    )
    plot: Path | None = Field(
        default=None,
        description="video: draw the frames of a clip over time with the probabilities under them"
        " (.png, .svg)",
    )

    def require_video(self, inputs: str) -> None:
        """Raise InputError for one of these where `inputs` are something else."""
        own = self.model_fields_set & VideoPrediction.model_fields.keys()
        if inputs != "video" and own:
            raise InputError(
                f"--{min(own)}: for video, but this classifier reads {inputs}; leave it out"
            )
        for name in ("over", "shortest"):
            if name in own and not self.segments:
                raise InputError(f"--{name}: for segments; add --segments")


@dataclass(frozen=True)
class Watcher:
    """A classifier of video with what it reads.

    Attributes:
        model: the network.
        schema: its classes.
        videos: what makes items of frames.
        session: makes a live session that takes frames of the model and gives segments.
    """

    model: Classifier
    schema: Schema
    videos: VideoEncoder
    session: Callable[[], LiveSession]

    def answers(
        self, inputs: Given | None, rows: RowOptions, options: VideoPrediction
    ) -> Iterator[Row]:
        """A row of answers for each clip, or for each segment of it, with the columns it came with.

        A `warning` comes last, empty where there is none: of a clip in which nothing can be seen
        any answer is a guess.
        """
        if inputs is None:
            raise InputError("nothing to classify; give a video")
        if options.plot is not None:
            check_figure(options.plot)
        parts: list[Given] = [inputs]
        if isinstance(inputs, Files):
            parts = [Files((path,)) for path in inputs.paths]
        bad, columns = BadRows(rows.skip_bad_rows), rows.videos(self.schema.video)
        limits = rows.video_limits
        before = 0
        for part in parts:
            read = read_rows(one_part(part), columns, bad, labeled=False, limits=limits)
            if options.plot is not None and (len(read) > 1 or len(parts) > 1):
                count = max(len(read), len(parts))
                raise InputError(
                    f"--plot: draws one clip, but there are {count:,}; give one of them"
                )
            each = (
                self._segments(read, bad, limits)
                if options.segments
                else self._labels(read, bad, limits)
            )
            segments: list[Row] = []
            for row, answer in each:
                own = {"row": before + row + 1} if read.cells is None else read.cells[row]
                if both := [name for name in answer if name in own]:
                    raise InputError(
                        f"the table has a column {both[0]!r}, which the answer needs; rename it"
                    )
                if options.segments:
                    segments.append(answer)
                yield {**own, **answer}
            if options.plot is not None:
                draw_strip(self.strip(read, segments, limits), options.plot)
            before += len(read)
        for note in bad.notes():
            LOG.warning("%s", note)

    def strip(
        self,
        read: VideoRows,
        segments: list[Row],
        limits: VideoLimits = VideoLimits(),  # noqa: B008
    ) -> Strip:
        """The frames of the first clip over time, with what is said after each of them."""
        pictures, found, encoded = Thumbnails(), [], []
        stream = None if self.model.bidirectional else Stream(self.model)
        items = self.videos.stream()
        many = self.schema.kind == "many"
        for block in self._blocks(read, 0, limits):
            pictures.push(block)
            if stream is None:
                encoded.append(block)
                continue
            logits = stream.push(torch.from_numpy(items.push(block)))
            found.append(softened(logits, self.model.temperature, many=many).cpu().numpy())
        if stream is None:
            found = [probabilities_of(self.model, self._stored(encoded))]
        source = read.videos.clips[0]
        return Strip(
            title=read.videos.where(0) if not isinstance(source, Clip) else source.path.name,
            pictures=pictures,
            rate=self.videos.format.rate,
            begin=_begin(read, 0),
            outputs=np.concatenate(found),
            names=tuple(self.schema.names),
            segments=tuple(
                (row["begin"], row["end"], row["label"], row["probability"]) for row in segments
            ),
        )

    def _labels(
        self, read: VideoRows, bad: BadRows, limits: VideoLimits
    ) -> Iterator[tuple[int, Row]]:
        row = 0
        blank = 0
        while row < len(read):
            rows: list[int] = []
            lengths: list[int] = []
            dull: list[bool] = []
            with tempfile.TemporaryFile() as file:
                while row < len(read) and len(rows) < _AT_ONCE and file.tell() < _BYTES:
                    place, found = file.tell(), _Seen()
                    try:
                        for block in self._blocks(read, row, limits):
                            found.add(block)
                            file.write(np.ascontiguousarray(block).data)
                    except InputError as error:
                        _left_out(bad, read, row, error)
                        file.seek(place)
                        file.truncate()
                    else:
                        rows.append(row)
                        lengths.append(found.frames)
                        dull.append(found.blank)
                    row += 1
                file.flush()
                if not rows:
                    continue
                shape = (sum(lengths), *self.videos.format.shape)
                frames = np.memmap(file, np.uint8, "r", shape=shape)
                probabilities = probabilities_of(self.model, self._encoded(frames, lengths))
            for place, each, is_blank in zip(rows, probabilities, dull, strict=True):
                blank += is_blank
                yield (
                    place,
                    {
                        **answered(self.schema, each),
                        "warning": BLANK if is_blank else "",
                    },
                )
        if blank:
            LOG.warning("%s %s: %s", f"{blank:,}", "row" if blank == 1 else "rows", BLANK)

    def _segments(
        self, read: VideoRows, bad: BadRows, limits: VideoLimits
    ) -> Iterator[tuple[int, Row]]:
        for row in range(len(read)):
            session, found = self.session(), []
            try:
                for block in self._blocks(read, row, limits):
                    found += session.push(block)
                found += session.flush()
            except InputError as error:
                _left_out(bad, read, row, error)
                continue
            begin = _begin(read, row)
            for each in found:
                times = {name: round(begin + each[name], 3) for name in ("begin", "end")}
                yield row, {**each, **times}

    def _blocks(self, read: VideoRows, row: int, limits: VideoLimits) -> Iterator[Frames]:
        """Blocks (T, H, W, C) of the frames of one clip."""
        source, where = read.videos.clips[row], read.videos.where(row)
        return read_clip(source, self.videos.format, limits, where)

    def _stored(self, blocks: list[Frames]) -> Encoded:
        frames = np.concatenate(blocks)
        return self._encoded(frames, [len(frames)])

    def _encoded(self, frames: Frames, lengths: list[int]) -> Encoded:
        return Encoded(
            frames,
            offsets_of(lengths),
            None,
            self.schema.kind,
            differences=self.videos.differences,
        )


class _Seen:
    """How many frames came, and whether all of their pixels are the same."""

    def __init__(self) -> None:
        self.frames, self._low, self._high = 0, 255, 0

    def add(self, block: Frames) -> None:
        self.frames += len(block)
        self._low = min(self._low, int(block.min(initial=255)))
        self._high = max(self._high, int(block.max(initial=0)))

    @property
    def blank(self) -> bool:
        return self._low >= self._high


def _left_out(bad: BadRows, read: VideoRows, row: int, error: InputError) -> None:
    where = read.videos.where(row)
    bad.add(where, str(error).removeprefix(f"{where}: "))


def _begin(read: VideoRows, row: int) -> float:
    """The second of the file at which a clip begins."""
    source = read.videos.clips[row]
    return source.begin if isinstance(source, Clip) else 0.0
