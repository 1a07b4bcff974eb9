"""What the mean of a clip's frames says of its label, without their order."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.quality.video.clips import rows
from elman.data.optional import library
from elman.data.video.clips import Clip, VideoLimits
from elman.data.video.decode import read_clip
from elman.data.video.frame_format import FrameFormat

STRENGTHS = (0.001, 0.01, 0.1)
"""Of the regularization, as scikit-learn's C; validation chooses."""


def mean_frames_accuracy(
    parts: list[Path], frame_format: FrameFormat, root: Path | None = None
) -> float:
    """Percent of test clips that a logistic regression on the mean frame labels rightly.

    `parts` are the manifests of train, valid and test.
    """
    linear = library("sklearn.linear_model", "probe")
    pipeline = library("sklearn.pipeline", "probe")
    preprocessing = library("sklearn.preprocessing", "probe")
    (x, y), (x_valid, y_valid), (x_test, y_test) = (
        (np.stack(list(_means(part, frame_format, root))), _labels(part)) for part in parts
    )
    fitted = [
        pipeline.make_pipeline(
            preprocessing.StandardScaler(), linear.LogisticRegression(C=c, max_iter=1000)
        ).fit(x, y)
        for c in STRENGTHS
    ]
    best = max(fitted, key=lambda model: model.score(x_valid, y_valid))
    return 100 * float(best.score(x_test, y_test))


def _labels(part: Path) -> list[str]:
    return [str(row["label"]) for row in rows(part)]


def _means(
    part: Path, frame_format: FrameFormat, root: Path | None
) -> Iterator[npt.NDArray[np.float64]]:
    """(H W C,) the mean frame of each clip."""
    for row in rows(part):
        total, count = np.zeros(frame_format.size), 0
        clip = Clip((root or part.parent) / row["path"])
        for block in read_clip(clip, frame_format, VideoLimits()):
            total += block.reshape(len(block), -1).sum(0, dtype=np.float64)
            count += len(block)
        yield total / count
