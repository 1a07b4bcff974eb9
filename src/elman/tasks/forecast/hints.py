"""What explains a verdict of the backtest, each with a setting that helps.

Legend: S series, C channels.
"""

from __future__ import annotations

import numpy as np

from elman.data.series.panel import Floats, Integers, Panel
from elman.evaluation.backtest.backtest import Backtest
from elman.evaluation.backtest.baselines import NAIVE
from elman.evaluation.backtest.report import compare_with, point_metric
from elman.evaluation.backtest.significance import FEWEST
from elman.numbers import significant
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.forecast.data import TimeSplit
from elman.tasks.forecast.evaluation_options import ForecastEvaluation

_FAR = 2.0
"""Training deviations between two medians that make a shift of the level."""


def to_decide(found: Backtest, options: ForecastEvaluation, split: str) -> list[str]:
    """What it takes where there are too few forecast origins and series for a test."""
    if compare_with(found, NAIVE, point_metric(found)).enough:
        return []
    if options.origins < FEWEST:
        remedy = f"evaluate with --origins {FEWEST} or more"
    elif split in ("test", "valid"):
        total = found.gap + found.horizon  # of neighboring origins, and one more without overlap
        rows = max(2 * total, total + FEWEST - 1)
        remedy = f"train with --{split}-rows {rows} or more"
    else:
        remedy = "give longer series"
    needed = f"{FEWEST} forecast origins (more where horizons overlap) or {FEWEST} series"
    return [f"a test takes {needed}: {remedy}"]


def level_hints(panel: Panel, split: TimeSplit, config: ForecastConfig) -> list[str]:
    """A sentence where the level of held-out rows is far from that of the training rows."""
    if config.normalization_kind != "none":
        return []
    ends = {"training": split.train, "validation": split.valid, "test": panel.lengths}
    begins = {
        "training": np.zeros_like(split.train),
        "validation": split.train,
        "test": split.valid,
    }
    middle, size = _levels(panel, begins["training"], ends["training"])
    for name in ("test", "validation"):
        later, spread = _levels(panel, begins[name], ends[name])
        with np.errstate(invalid="ignore", divide="ignore"):
            moved = np.nan_to_num(np.abs(later - middle) / size)
        far = moved > _FAR
        if not far.any():
            continue
        series, channel = map(int, np.unravel_index(moved.argmax(), moved.shape))
        of = panel.targets[channel] if len(panel.targets) > 1 else panel.ids[series]
        shown = [significant(float(part[series, channel]), 3) for part in (later, middle, size)]
        others = f" (and {int(far.sum()) - 1:,} more series)" if far.sum() > 1 else ""
        within = significant(float(spread[series, channel]), 3)
        hint = (
            f"the level of {of} shifts: the median of its {name} rows is {shown[0]} (deviation"
            f" {within}), that of its training rows {shown[1]} (deviation {shown[2]}){others};"
            f" train with {_remedy(config)}, so that the network reads and forecasts differences"
            " from the last value"
        )
        return [hint]
    return []


def _remedy(config: ForecastConfig) -> str:
    """The flags that train on differences from the last value, those that it needs among them."""
    flags = []
    if config.model == "autoregressive":
        flags.append("--model direct")
    flags.append("--normalization last")
    if config.head == "negative-binomial":
        flags.append("--head quantile")
    return " ".join(flags)


def _levels(panel: Panel, begins: Integers, ends: Integers) -> tuple[Floats, Floats]:
    """(S, C) the median and the standard deviation of rows of each series; NaN without any."""
    shape = len(panel), len(panel.targets)
    middle, size = np.full(shape, np.nan), np.full(shape, np.nan)
    known = np.where(panel.observed, panel.values, np.nan)
    for series, (begin, end) in enumerate(zip(begins, ends, strict=True)):
        rows = known[panel.borders[series] + begin : panel.borders[series] + end]
        for channel in range(shape[1]):
            values = rows[~np.isnan(rows[:, channel]), channel]
            if len(values):
                middle[series, channel] = np.median(values)
                size[series, channel] = values.std()
    return middle, size
