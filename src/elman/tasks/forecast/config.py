"""The settings of the task `forecast`. Free of torch, so that `--help` comes at once."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BeforeValidator, model_validator

from elman.settings import listed, setting
from elman.tasks.network_config import StackConfig

_DATA = "Data"
_MODEL = "Model"
_REGULARIZATION = "Regularization"
_FORECAST = "Forecast"


Names = Annotated[tuple[str, ...], BeforeValidator(listed)]
Head = Literal["student-t", "gaussian", "negative-binomial", "quantile", "median", "mean"]


class ForecastConfig(StackConfig):
    """What is forecast from what, the network, its regularization, and training."""

    target: Names = setting(
        (),
        "column to forecast; several with commas between, or '*' for every column of"
        " numbers without another part; default: y, or the only one there is",
        _DATA,
    )
    horizon: int = setting(0, "how many rows ahead to forecast", _DATA, ge=0, le=100_000)
    time: str = setting("", "column of the times; default: found", _DATA)
    series: str = setting(
        "",
        "column that names the series of a row, in a long table; default:"
        " unique_id where there is one",
        _DATA,
    )
    static: Names = setting((), "covariates with one value a series", _DATA)
    past: Names = setting((), "covariates known up to now only", _DATA)
    future: Names = setting((), "covariates known ahead, such as holidays", _DATA)
    frequency: str = setting(
        "", "distance of the rows: h, 15min, D, B, W-SUN, MS …; default: found", _DATA
    )
    time_zone: str = setting(
        "", "IANA name of the zone of the times, where they don't say it", _DATA
    )
    missing: Literal["refuse", "forward", "interpolate", "zero", "mask"] = setting(
        "forward",
        "what stands where a value is missing: an error, the last value, a line, 0,"
        " or nothing (the network is told)",
        _DATA,
    )
    duplicates: Literal["refuse", "first", "last", "mean"] = setting(
        "refuse", "which of two different rows of one time is taken", _DATA
    )
    constant: Literal["refuse", "drop", "keep"] = setting(
        "refuse", "what happens with a series whose values are all equal or missing", _DATA
    )
    scaling: Literal["standard", "mean", "none"] | None = setting(
        None,
        "each series less its mean and over its deviation (standard), or over its mean"
        " size (mean), of its training rows; default: standard, for counts mean",
        _DATA,
    )
    calendar: bool = setting(
        True, "show the network the hour, the weekday … that go with the frequency", _DATA
    )
    valid_fraction: float = setting(
        0.1, "share of each series kept for validation, before the test", _DATA, gt=0, lt=1
    )
    test_fraction: float = setting(
        0.1, "share of each series kept for the test, at its end", _DATA, ge=0, lt=1
    )
    valid_rows: int | None = setting(None, "the same in rows; beats the share", _DATA, ge=1)
    test_rows: int | None = setting(None, "the same in rows; beats the share", _DATA, ge=0)

    model: Literal["direct", "autoregressive", "segments"] = setting(
        "direct",
        "direct: all steps at once; autoregressive: drawn one after the other"
        " (DeepAR); segments: a piece of the series at a time (SegRNN)",
        _MODEL,
    )
    head: Head | None = setting(
        None,
        "what a forecast is: a distribution, quantiles, or one number learned by the"
        " absolute (median) or squared error (mean); default: quantile, autoregressive: student-t",
        _MODEL,
    )
    look_back: int | None = setting(
        None,
        "rows of a training window before the horizon; what direct and segments read"
        " (autoregressive reads all of the history); default: from the seasons and the horizon",
        _MODEL,
        ge=1,
        le=1_000_000,
    )
    lags: Annotated[tuple[int, ...], BeforeValidator(listed)] | None = setting(
        None,
        "rows back that each step is shown beside the row before, with commas between;"
        " default: from the frequency; not for segments",
        _MODEL,
    )
    segment: int | None = setting(
        None, "segments: rows of a piece; default: from the horizon", _MODEL, ge=1
    )
    normalization: Literal["none", "last", "revin"] | None = setting(
        None,
        "of each window: none, less its last value, or reversible instance"
        " normalization (Kim 2022); default: none, segments: last",
        _MODEL,
    )
    series_embedding: int | None = setting(
        None,
        "numbers learned for each series, which can then only be forecast if training"
        " knew it; 0: none; default: 8 where one table has several targets",
        _MODEL,
        ge=0,
        le=4096,
    )
    hidden_size: int = setting(64, "units of each layer", _MODEL, ge=1, le=65536)

    dropout: float = setting(
        0.1, "between layers and on what the head reads", _REGULARIZATION, ge=0, lt=1
    )

    conformal: bool = setting(
        False,
        "widen or narrow intervals by the errors made on the validation rows, so that"
        " they cover as they say; a head of one number gets its intervals this way only",
        _FORECAST,
    )
    paths: int = setting(
        200, "autoregressive: paths drawn for a forecast", _FORECAST, ge=2, le=100_000
    )

    order: Literal["swept", "sampled"] = setting(
        "swept",
        "training windows: each once an epoch, or drawn, every series as often",
        "Optimization",
    )
    learning_rate: float = setting(2e-3, "the highest learning rate", "Optimization", gt=0)
    max_steps: int = setting(2000, "stop after this many updates", "Budget", ge=1)
    patience: int = setting(
        10,
        "stop after this many evaluations without a better validation loss; 0: never",
        "Budget",
        ge=0,
    )
    eval_every: int = setting(
        100, "updates between evaluations", "Evaluation and checkpoints", ge=1
    )
    eval_windows: int = setting(
        2000,
        "validation windows of an evaluation, evenly spaced",
        "Evaluation and checkpoints",
        ge=1,
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
