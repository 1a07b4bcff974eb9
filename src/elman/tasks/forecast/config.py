"""The settings of the task `forecast`. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, model_validator

from elman.data.tables.asked import TableSettings
from elman.settings import listed, section
from elman.tasks.network_config import StackConfig


def _names(value: Any) -> Any:
    """A list, in Python or a file, names columns one by one; commas part those of a flag."""
    return value if isinstance(value, list) else listed(value)


Names = Annotated[tuple[str, ...], BeforeValidator(_names)]
Head = Literal["student-t", "gaussian", "negative-binomial", "quantile", "median", "mean"]

_data = section("Data")
_model = section("Model")
_regularization = section("Regularization")
_forecast = section("Forecast")
_optimization = section("Optimization")
_budget = section("Budget")
_records = section("Evaluation and checkpoints")


class ForecastConfig(TableSettings, StackConfig):
    """What is forecast from what, the network, its regularization, and training."""

    target: Names = _data(
        (),
        "column to forecast; several with commas between, or '*' for every column of"
        " numbers without another part; default: y, or the only one there is",
    )
    horizon: int = _data(0, "how many rows ahead to forecast", ge=0, le=100_000)
    time: Names = _data((), "column of the times, or of date and time: Date,Time; default: found")
    series: Names = _data(
        (),
        "column that names the series of a row, in a long table; several with commas between;"
        " default: unique_id where there is one",
    )
    layout: Literal["columns", "long", "rows"] | None = _data(
        None,
        "columns: one row a time; long: a row for each series and time; rows: one row a series,"
        " its values across; default: found",
    )
    static: Names = _data((), "covariates with one value a series")
    past: Names = _data((), "covariates known up to now only")
    future: Names = _data((), "covariates known ahead, such as holidays")
    frequency: str = _data("", "distance of the rows: h, 15min, D, B, W-SUN, MS …; default: found")
    time_zone: str = _data("", "IANA name of the zone of the times, where they don't say it")
    dates: str = _data(
        "",
        "how the times are written: day-first, month-first, year-first, year-week, epoch-s, -ms,"
        " -us, -ns, steps, or a strptime format such as %d.%m.%Y; default: found",
    )
    missing: Literal["refuse", "forward", "interpolate", "zero", "mask"] = _data(
        "forward",
        "what stands where a value is missing: an error, the last value, a line, 0,"
        " or nothing (the network is told)",
    )
    duplicates: Literal["refuse", "first", "last", "mean"] = _data(
        "refuse", "which of two different rows of one time is taken"
    )
    constant: Literal["refuse", "drop", "keep"] = _data(
        "refuse", "what happens with a series whose values are all equal or missing"
    )
    scaling: Literal["standard", "mean", "none"] | None = _data(
        None,
        "each series less its mean and over its deviation (standard), or over its mean"
        " size (mean), of its training rows; default: standard, for counts mean",
    )
    calendar: bool = _data(
        True, "show the network the hour, the weekday … that go with the frequency"
    )
    valid_fraction: float = _data(
        0.1, "share of each series kept for validation, before the test", gt=0, lt=1
    )
    test_fraction: float = _data(
        0.1, "share of each series kept for the test, at its end", ge=0, lt=1
    )
    valid_rows: int | None = _data(None, "the same in rows; beats the share", ge=1)
    test_rows: int | None = _data(None, "the same in rows; beats the share", ge=0)

    model: Literal["direct", "autoregressive", "segments"] = _model(
        "direct",
        "direct: all steps at once; autoregressive: drawn one after the other"
        " (DeepAR); segments: a piece of the series at a time (SegRNN)",
    )
    head: Head | None = _model(
        None,
        "what a forecast is: a distribution, quantiles, or one number learned by the"
        " absolute (median) or squared error (mean); default: quantile, autoregressive: student-t",
    )
    look_back: int | None = _model(
        None,
        "rows of a training window before the horizon; what direct and segments read"
        " (autoregressive reads all of the history); default: from the seasons and the horizon",
        ge=1,
        le=1_000_000,
    )
    lags: Annotated[tuple[int, ...], BeforeValidator(listed)] | None = _model(
        None,
        "rows back that each step is shown beside the row before, with commas between;"
        " default: from the frequency; not for segments",
    )
    segment: int | None = _model(None, "segments: rows of a piece; default: from the horizon", ge=1)
    normalization: Literal["none", "last", "revin"] | None = _model(
        None,
        "of each window: none, less its last value, or reversible instance"
        " normalization (Kim 2022); default: none, segments: last",
    )
    series_embedding: int | None = _model(
        None,
        "numbers learned for each series, which can then only be forecast if training"
        " knew it; 0: none; default: 8 where one table has several targets",
        ge=0,
        le=4096,
    )
    hidden_size: int = _model(64, "units of each layer", ge=1, le=65536)

    dropout: float = _regularization(0.1, "between layers and on what the head reads", ge=0, lt=1)

    conformal: bool = _forecast(
        False,
        "widen or narrow intervals by the errors made on the validation rows, so that"
        " they cover as they say; a head of one number gets its intervals this way only",
    )
    paths: int = _forecast(200, "autoregressive: paths drawn for a forecast", ge=2, le=100_000)

    order: Literal["swept", "sampled"] = _optimization(
        "swept", "training windows: each once an epoch, or drawn, every series as often"
    )
    learning_rate: float = _optimization(2e-3, "the highest learning rate", gt=0)
    max_steps: int = _budget(2000, "stop after this many updates", ge=1)
    patience: int = _budget(
        10, "stop after this many evaluations without a better validation loss; 0: never", ge=0
    )
    eval_every: int = _records(100, "updates between evaluations", ge=1)
    eval_windows: int = _records(2000, "validation windows of an evaluation, evenly spaced", ge=1)

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
            raise ValueError("--horizon is required: say how many rows ahead to forecast")
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
