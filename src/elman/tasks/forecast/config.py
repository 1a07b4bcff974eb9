"""The settings of the task `forecast`. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, model_validator

from elman.tasks.network_config import StackConfig
from elman.training.config import section

_DATA = section("Data")
_MODEL = section("Model")
_REGULARIZATION = section("Regularization")
_FORECAST = section("Forecast")


def _listed(value: Any) -> Any:
    """One word, words with commas between them, or a list of such."""
    given = (value,) if isinstance(value, str) else value
    if not isinstance(given, (list, tuple)) or not all(isinstance(item, str) for item in given):
        return value
    return tuple(part.strip() for item in given for part in item.split(",") if part.strip())


Names = Annotated[tuple[str, ...], BeforeValidator(_listed)]
"""Names of columns."""

Rows = Annotated[tuple[int, ...], BeforeValidator(_listed)]
"""Numbers of rows."""


Head = Literal["student-t", "gaussian", "negative-binomial", "quantile", "median", "mean"]


class ForecastConfig(StackConfig):
    """What is forecast from what, the network, its regularization, and training."""

    target: Names = Field(
        (),
        description="column to forecast; several with commas between, or '*' for every column of"
        " numbers without another part; default: y, or the only one there is",
        json_schema_extra=_DATA,
    )
    horizon: int = Field(
        0, ge=0, le=100_000, description="how many rows ahead to forecast", json_schema_extra=_DATA
    )
    time: str = Field(
        "", description="column of the times; default: found", json_schema_extra=_DATA
    )
    series: str = Field(
        "",
        description="column that names the series of a row, in a long table; default:"
        " unique_id where there is one",
        json_schema_extra=_DATA,
    )
    static: Names = Field(
        (), description="covariates with one value a series", json_schema_extra=_DATA
    )
    past: Names = Field((), description="covariates known up to now only", json_schema_extra=_DATA)
    future: Names = Field(
        (), description="covariates known ahead, such as holidays", json_schema_extra=_DATA
    )
    frequency: str = Field(
        "",
        description="distance of the rows: h, 15min, D, B, W-SUN, MS …; default: found",
        json_schema_extra=_DATA,
    )
    time_zone: str = Field(
        "",
        description="IANA name of the zone of the times, where they don't say it",
        json_schema_extra=_DATA,
    )
    missing: Literal["refuse", "forward", "interpolate", "zero", "mask"] = Field(
        "forward",
        description="what stands where a value is missing: an error, the last value, a line, 0,"
        " or nothing (the network is told)",
        json_schema_extra=_DATA,
    )
    duplicates: Literal["refuse", "first", "last", "mean"] = Field(
        "refuse",
        description="which of two different rows of one time is taken",
        json_schema_extra=_DATA,
    )
    constant: Literal["refuse", "drop", "keep"] = Field(
        "refuse",
        description="what happens with a series whose values are all equal or missing",
        json_schema_extra=_DATA,
    )
    scaling: Literal["standard", "mean", "none"] | None = Field(
        None,
        description="each series less its mean and over its deviation (standard), or over its mean"
        " size (mean), of its training rows; default: standard, for counts mean",
        json_schema_extra=_DATA,
    )
    calendar: bool = Field(
        True,
        description="show the network the hour, the weekday … that go with the frequency",
        json_schema_extra=_DATA,
    )
    valid_fraction: float = Field(
        0.1,
        gt=0,
        lt=1,
        description="share of each series kept for validation, before the test",
        json_schema_extra=_DATA,
    )
    test_fraction: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="share of each series kept for the test, at its end",
        json_schema_extra=_DATA,
    )
    valid_rows: int | None = Field(
        None, ge=1, description="the same in rows; beats the share", json_schema_extra=_DATA
    )
    test_rows: int | None = Field(
        None, ge=0, description="the same in rows; beats the share", json_schema_extra=_DATA
    )

    model: Literal["direct", "autoregressive", "segments"] = Field(
        "direct",
        description="direct: all steps at once; autoregressive: drawn one after the other"
        " (DeepAR); segments: a piece of the series at a time (SegRNN)",
        json_schema_extra=_MODEL,
    )
    head: Head | None = Field(
        None,
        description="what a forecast is: a distribution, quantiles, or one number learned by the"
        " absolute (median) or squared error (mean); default: quantile, autoregressive: student-t",
        json_schema_extra=_MODEL,
    )
    look_back: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="rows of a training window before the horizon; what direct and segments read"
        " (autoregressive reads all of the history); default: from the seasons and the horizon",
        json_schema_extra=_MODEL,
    )
    lags: Rows | None = Field(
        None,
        description="rows back that each step is shown beside the row before, with commas between;"
        " default: from the frequency; not for segments",
        json_schema_extra=_MODEL,
    )
    segment: int | None = Field(
        None,
        ge=1,
        description="segments: rows of a piece; default: from the horizon",
        json_schema_extra=_MODEL,
    )
    normalization: Literal["none", "last", "revin"] | None = Field(
        None,
        description="of each window: none, less its last value, or reversible instance"
        " normalization (Kim 2022); default: none, segments: last",
        json_schema_extra=_MODEL,
    )
    series_embedding: int | None = Field(
        None,
        ge=0,
        le=4096,
        description="numbers learned for each series, which can then only be forecast if training"
        " knew it; 0: none; default: 8 where one table has several targets",
        json_schema_extra=_MODEL,
    )
    hidden_size: int = Field(
        64, ge=1, le=65536, description="units of each layer", json_schema_extra=_MODEL
    )

    dropout: float = Field(
        0.1,
        ge=0,
        lt=1,
        description="between layers and on what the head reads",
        json_schema_extra=_REGULARIZATION,
    )

    conformal: bool = Field(
        False,
        description="widen or narrow intervals by the errors made on the validation rows, so that"
        " they cover as they say; a head of one number gets its intervals this way only",
        json_schema_extra=_FORECAST,
    )
    paths: int = Field(
        200,
        ge=2,
        le=100_000,
        description="autoregressive: paths drawn for a forecast",
        json_schema_extra=_FORECAST,
    )

    order: Literal["swept", "sampled"] = Field(
        "swept",
        description="training windows: each once an epoch, or drawn, every series as often",
        json_schema_extra=section("Optimization"),
    )
    learning_rate: float = Field(
        2e-3,
        gt=0,
        description="the highest learning rate",
        json_schema_extra=section("Optimization"),
    )
    max_steps: int = Field(
        2000, ge=1, description="stop after this many updates", json_schema_extra=section("Budget")
    )
    patience: int = Field(
        10,
        ge=0,
        description="stop after this many evaluations without a better validation loss; 0: never",
        json_schema_extra=section("Budget"),
    )
    eval_every: int = Field(
        100,
        ge=1,
        description="updates between evaluations",
        json_schema_extra=section("Evaluation and checkpoints"),
    )
    eval_windows: int = Field(
        2000,
        ge=1,
        description="validation windows of an evaluation, evenly spaced",
        json_schema_extra=section("Evaluation and checkpoints"),
    )

    @property
    def head_kind(self) -> Head:
        """The head, chosen or by default."""
        return self.head or ("student-t" if self.model == "autoregressive" else "quantile")

    @property
    def scaling_kind(self) -> Literal["standard", "mean", "none"]:
        """How series are scaled, chosen or by default."""
        if self.scaling is not None:
            return self.scaling
        return "mean" if self.head == "negative-binomial" else "standard"

    @property
    def normalization_kind(self) -> Literal["none", "last", "revin"]:
        """How windows are normalized, chosen or by default."""
        return self.normalization or ("last" if self.model == "segments" else "none")

    @model_validator(mode="after")
    def _fit(self) -> Self:
        if not self.horizon:
            raise ValueError("--horizon is missing: say how many rows ahead to forecast")
        if self.head == "negative-binomial":
            if self.scaling == "standard":
                raise ValueError(
                    "--scaling standard with --head negative-binomial: counts keep their zero;"
                    " use --scaling mean or none"
                )
            if self.normalization_kind != "none":
                raise ValueError(
                    f"--normalization {self.normalization_kind} with --head negative-binomial:"
                    " counts keep their zero; use --normalization none"
                )
        if self.model == "autoregressive" and self.normalization_kind != "none":
            raise ValueError(
                f"--normalization {self.normalization_kind} with --model autoregressive: its state"
                " goes on from window to window; use --model direct or segments"
            )
        if self.model == "segments" and self.lags:
            raise ValueError("--lags with --model segments: it reads all of the look-back already")
        if any(lag < 1 for lag in self.lags or ()):
            raise ValueError(f"--lags {min(self.lags or ())}: a lag is 1 row back or more")
        return self
