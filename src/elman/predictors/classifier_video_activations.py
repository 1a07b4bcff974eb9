"""A classifier of video as it sees: its states, and what it makes of the frames so far.

Legend: T frames, H, W, C of a frame, k 2 with differences, else 1.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from elman.data.given import Files
from elman.data.tables.table import BadRows
from elman.data.video.decode import read_clip
from elman.data.video.read import read_rows
from elman.data.video.rows import VideoColumns
from elman.diagnostics.activations import Activations
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Schema
from elman.predictors.classifier_outputs import MOST_STEPS, activations_of_numbers
from elman.predictors.classifier_videos import Frames, VideoEncoder


def activations_of_clip(
    model: Classifier, schema: Schema, videos: VideoEncoder, path: Path, name: str
) -> Activations:
    """Those of the video in a file, or of a folder of images.

    Raises:
        InputError: one that can't be read, or of too many frames.
    """
    read = read_rows(Files((path,)), schema.video or VideoColumns(), BadRows(False), labeled=False)
    if len(read) > 1:
        raise InputError(f"{path}: {len(read):,} videos; give one of them")
    blocks, count = [], 0
    for block in read_clip(read.videos.clips[0], videos.format):
        count += len(block)
        if count > MOST_STEPS:
            seconds = MOST_STEPS / videos.format.rate
            raise InputError(
                f"{path}: more than {MOST_STEPS:,} frames, the most that can be shown; give a clip"
                f" of at most {seconds:,.0f} s"
            )
        blocks.append(block)
    items = videos.items(np.concatenate(blocks))
    return activations_of_video(model, schema, videos, items, f"{name}, {path}")


def activations_of_video(
    model: Classifier, schema: Schema, videos: VideoEncoder, items: Frames, title: str
) -> Activations:
    """The states, the gates and the answers after each of the items (T, H, W, C k)."""
    found = activations_of_numbers(model, schema, items, title)
    named = [
        replace(step, label=f"{place / videos.format.rate:.2f} s")
        for place, step in enumerate(found.steps)
    ]
    return replace(found, steps=named)
