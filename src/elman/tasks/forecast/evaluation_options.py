"""The options of a backtest."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from elman.data.tables.asked import TableSettings
from elman.evaluation.backtest.metrics import GLUONTS_LEVELS
from elman.settings import Options, listed


def _levels(value: Any) -> Any:
    """`gluonts`, or levels with commas between, ascending and each once."""
    words = listed(value)
    if words == ("gluonts",):
        return GLUONTS_LEVELS
    try:
        return tuple(sorted({float(word) for word in words}))
    except (TypeError, ValueError) as error:
        raise ValueError("give gluonts, or levels such as 0.1,0.5,0.9") from error


QuantileLevels = Annotated[
    tuple[Annotated[float, Field(gt=0, lt=1)], ...],
    Field(min_length=1),
    BeforeValidator(_levels),
]


class ForecastEvaluation(TableSettings, Options):
    """Options of a backtest."""

    split: Literal["test", "valid"] | None = Field(
        None, description="which rows to forecast; default: test, where there are any"
    )
    origins: int = Field(
        100, ge=1, description="most forecast origins of a series, the latest ones"
    )
    step: int | None = Field(
        None,
        ge=1,
        description="rows between forecast origins; default: as fits, at most the horizon",
    )
    gap: int = Field(0, ge=0, description="rows between what is known and the first that is scored")
    refit: bool = Field(
        False, description="train again at every forecast origin, on what was known there"
    )
    seasons: tuple[int, ...] | None = Field(
        None,
        description="of the seasonal naive forecasts, in rows, the first also that of the seasonal"
        " MASE; default: from the frequency",
    )
    quantile_levels: QuantileLevels | None = Field(
        None,
        description="levels of CRPS and weighted quantile loss, with commas between, or gluonts for"
        " 0.1 to 0.9 by 0.1; default: 0.05 to 0.95 by 0.05, 0.025 and 0.975",
    )
    forecasts: Path | None = Field(
        None,
        description="write all forecasts, with what came, here (.csv, .tsv, .jsonl, .parquet)",
    )
    per_series: Path | None = Field(
        None, description="write the scores of each series here, to a file as of --forecasts"
    )
    by_step: Path | None = Field(
        None,
        description="write the scores of each step of the horizon here, to a file as of"
        " --forecasts",
    )
    plot: Path | None = Field(None, description="draw errors by step here (.png or .svg)")
