"""The settings that every task's training shares. Times are in steps (updates of the weights).

A task's own config is a subclass with the task's fields added. Each field says in its description
what it does and in which unit, and in `section` under which heading the command line shows it.
"""

from __future__ import annotations

from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


def section(name: str) -> dict[str, Any]:
    """The `json_schema_extra` that files a field under a heading of the command line's help."""
    return {"section": name}


_OPTIMIZATION = section("Optimization")
_SCHEDULE = section("Schedule")
_BUDGET = section("Budget")
_TBPTT = section("Truncated backpropagation")
_RECORDS = section("Evaluation and checkpoints")
_MACHINE = section("Machine")


class TrainingConfig(BaseModel):
    """How to train: optimizer, schedule, budget, records, machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_steps: int = Field(
        2000, ge=1, description="stop after this many steps", json_schema_extra=_BUDGET
    )
    max_minutes: float | None = Field(
        None,
        gt=0,
        description="stop after this much training time (evaluation not counted);"
        " it never touches the schedule",
        json_schema_extra=_BUDGET,
    )
    patience: int = Field(
        0,
        ge=0,
        description="stop after this many evaluations without a better validation loss; 0: never",
        json_schema_extra=_BUDGET,
    )

    batch_size: int = Field(
        32, ge=1, description="rows trained side by side", json_schema_extra=_OPTIMIZATION
    )
    learning_rate: float = Field(
        4e-3, gt=0, description="the highest learning rate", json_schema_extra=_OPTIMIZATION
    )
    optimizer: Literal["adamw", "sgd"] = Field(
        "adamw", description="update rule", json_schema_extra=_OPTIMIZATION
    )
    betas: tuple[float, float] = Field(
        (0.9, 0.99), description="AdamW's decay rates", json_schema_extra=_OPTIMIZATION
    )
    momentum: float = Field(
        0.0, ge=0, lt=1, description="SGD's momentum", json_schema_extra=_OPTIMIZATION
    )
    weight_decay: float = Field(
        0.0,
        ge=0,
        description="weight decay of the matrices (biases and gains are left alone)",
        json_schema_extra=_OPTIMIZATION,
    )
    clip_norm: float = Field(
        1.0,
        ge=0,
        description="longest gradient, as the 2-norm of all gradients together; 0: no clipping",
        json_schema_extra=_OPTIMIZATION,
    )
    accumulate: int = Field(
        1,
        ge=1,
        description="split each batch's rows into this many parts to save memory; same update,"
        " but for the draws of dropout",
        json_schema_extra=_OPTIMIZATION,
    )
    average: Literal["none", "asgd", "ema"] = Field(
        "none",
        description="average the weights: asgd, once the validation loss stops falling (NT-ASGD);"
        " ema, from the first step on, the latest counting most",
        json_schema_extra=_OPTIMIZATION,
    )
    average_decay: float = Field(
        0.99,
        gt=0,
        lt=1,
        description="ema: how much less an update weighs for each that comes after it",
        json_schema_extra=_OPTIMIZATION,
    )
    average_interval: int = Field(
        5,
        ge=1,
        description="NT-ASGD's non-monotone interval, in evaluations",
        json_schema_extra=_OPTIMIZATION,
    )

    schedule: Literal["constant", "cosine", "linear", "plateau", "step"] = Field(
        "cosine",
        description="how the learning rate falls; linear with warmup-steps is a slanted triangle"
        " (Howard 2018)",
        json_schema_extra=_SCHEDULE,
    )
    warmup_steps: int = Field(
        0,
        ge=0,
        description="steps over which the learning rate rises from 0, with any schedule",
        json_schema_extra=_SCHEDULE,
    )
    final_learning_rate: float = Field(
        0.0,
        ge=0,
        description="what cosine and linear end at; plateau and step never go below it",
        json_schema_extra=_SCHEDULE,
    )
    decay_rate: float = Field(
        0.5,
        gt=0,
        lt=1,
        description="factor of each decay of step and plateau",
        json_schema_extra=_SCHEDULE,
    )
    decay_start: int = Field(
        0, ge=0, description="step: the step of the first decay", json_schema_extra=_SCHEDULE
    )
    decay_every: int = Field(
        1000, ge=1, description="step: steps from decay to decay", json_schema_extra=_SCHEDULE
    )
    plateau_patience: int = Field(
        2,
        ge=0,
        description="plateau: evaluations without a better loss that are borne before a decay",
        json_schema_extra=_SCHEDULE,
    )

    eval_every: int = Field(
        200, ge=1, description="steps between evaluations", json_schema_extra=_RECORDS
    )
    checkpoint_every: int = Field(
        200, ge=1, description="steps between checkpoints", json_schema_extra=_RECORDS
    )
    keep_checkpoints: int = Field(
        2, ge=1, description="how many checkpoints stay", json_schema_extra=_RECORDS
    )
    log_every: int = Field(
        20, ge=1, description="steps between lines of metrics.jsonl", json_schema_extra=_RECORDS
    )
    watch: int | None = Field(
        None,
        ge=0,
        description="steps between measurements of the gradient by lag; 0: none; default: 100,"
        " or more so that they take at most 2 % of the time",
        json_schema_extra=_RECORDS,
    )
    tensorboard: bool = Field(
        False, description="write TensorBoard events too", json_schema_extra=_RECORDS
    )

    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="bfloat16: matrix products in bfloat16 (autocast), weights in float32",
        json_schema_extra=_MACHINE,
    )
    seed: int = Field(
        0, ge=0, lt=2**32, description="of every random draw", json_schema_extra=_MACHINE
    )
    threads: int = Field(
        0, ge=0, le=4096, description="CPU threads; 0: torch's choice", json_schema_extra=_MACHINE
    )
    device: str = Field("cpu", description="torch device", json_schema_extra=_MACHINE)

    @model_validator(mode="after")
    def _agree(self) -> Self:
        if self.accumulate > self.batch_size:
            raise ValueError(
                f"accumulate is {self.accumulate}, expected at most batch_size ({self.batch_size})"
            )
        if self.final_learning_rate > self.learning_rate:
            raise ValueError(
                f"final_learning_rate is {self.final_learning_rate},"
                f" expected at most learning_rate ({self.learning_rate})"
            )
        if not all(0 <= beta < 1 for beta in self.betas):
            raise ValueError(f"betas are {self.betas}, expected two numbers in [0, 1)")
        return self


class TruncatedConfig(TrainingConfig):
    """The same where state is carried from batch to batch, so that backpropagation is truncated."""

    truncation: int = Field(
        64, ge=1, description="time steps per update (k1)", json_schema_extra=_TBPTT
    )
    window: int | None = Field(
        None,
        ge=1,
        description="time steps that gradients flow back (k2), a multiple of truncation;"
        " default: truncation",
        json_schema_extra=_TBPTT,
    )
    random_truncation: bool = Field(
        False,
        description="draw each length around truncation and scale the learning rate with it"
        " (as AWD-LSTM)",
        json_schema_extra=_TBPTT,
    )

    @property
    def chunks_back(self) -> int:
        """How many chunks before the newest one gradients flow through: k2 / k1 - 1."""
        return (self.window or self.truncation) // self.truncation - 1

    @model_validator(mode="after")
    def _fit_window(self) -> Self:
        if self.window is not None and self.window % self.truncation:
            raise ValueError(
                f"window is {self.window}, expected a multiple of truncation ({self.truncation})"
            )
        return self
