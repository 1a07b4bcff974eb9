"""What the mean of a clip's frames says of its label, without their order."""

from __future__ import annotations

from benchmarks.quality.running import Trained

REGRESSION = "accuracy of mean over frames with logistic regression"


def mean_frame_accuracy(trained: Trained) -> float:
    """Percent of test clips that the regression in the run's own report labels rightly."""
    return 100 * trained.scores(REGRESSION)["test"]
