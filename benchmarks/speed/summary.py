"""The few figures that a row of timings comes down to."""

from __future__ import annotations

from collections.abc import Sequence
from math import exp, fsum, log
from statistics import median, quantiles

__all__ = ["geometric_mean", "median", "paired_ratio", "percentile", "spread"]


def spread(times: Sequence[float]) -> float:
    """The distance between the quartiles over the median; 0 for a single time."""
    if len(times) < 2:
        return 0.0
    low, middle, high = quantiles(times, n=4, method="inclusive")
    return (high - low) / middle


def paired_ratio(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median over rounds of ours / theirs, so that a slow moment of the machine hits both."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def geometric_mean(ratios: Sequence[float]) -> float:
    """The mean that treats twice as fast and half as fast alike."""
    return exp(fsum(map(log, ratios)) / len(ratios))


def percentile(times: Sequence[float], percent: int) -> float:
    """The time that `percent` of the times do not exceed, interpolated."""
    if len(times) < 2:
        return times[0]
    return quantiles(times, n=100, method="inclusive")[percent - 1]
