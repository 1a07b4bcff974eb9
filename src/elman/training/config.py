"""The settings that every task's training shares. Times are in steps (updates of the weights).

A task's own config is a subclass with the task's fields added. Each field says in its description
what it does and in which unit, and under which heading the command line shows it.
"""

from __future__ import annotations

from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, model_validator

from elman.settings import section

_optimization = section("Optimization")
_schedule = section("Schedule")
_budget = section("Budget")
_tbptt = section("Truncated backpropagation")
_records = section("Evaluation and checkpoints")
_machine = section("Machine")


class TrainingConfig(BaseModel):
    """How to train: optimizer, schedule, budget, records, machine."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    max_steps: int = _budget(2000, "stop after this many steps", ge=1)
    max_minutes: float | None = _budget(
        None,
        "stop after this much training time (evaluation not counted);"
        " it never touches the schedule",
        gt=0,
    )
    patience: int = _budget(
        0, "stop after this many evaluations without a better validation loss; 0: never", ge=0
    )

    batch_size: int = _optimization(32, "rows trained side by side", ge=1)
    learning_rate: float = _optimization(4e-3, "the highest learning rate", gt=0)
    optimizer: Literal["adamw", "sgd"] = _optimization("adamw", "update rule")
    betas: tuple[float, float] = _optimization((0.9, 0.99), "AdamW's decay rates")
    momentum: float = _optimization(0.0, "SGD's momentum", ge=0, lt=1)
    weight_decay: float = _optimization(
        0.0, "weight decay of the matrices (biases and gains are left alone)", ge=0
    )
    clip_norm: float = _optimization(
        1.0, "longest gradient, as the 2-norm of all gradients together; 0: no clipping", ge=0
    )
    accumulate: int = _optimization(
        1,
        "split each batch's rows into this many parts to save memory; same update,"
        " but for the draws of dropout",
        ge=1,
    )
    average: Literal["none", "asgd", "ema"] = _optimization(
        "none",
        "average the weights: asgd, once the validation loss stops falling (NT-ASGD);"
        " ema, from the first step on, the latest counting most",
    )
    average_decay: float = _optimization(
        0.99, "ema: how much less an update weighs for each that comes after it", gt=0, lt=1
    )
    average_interval: int = _optimization(
        5, "NT-ASGD's non-monotone interval, in evaluations", ge=1
    )

    schedule: Literal["constant", "cosine", "linear", "plateau", "step"] = _schedule(
        "cosine",
        "how the learning rate falls; linear with warmup-steps is a slanted triangle (Howard 2018)",
    )
    warmup_steps: int = _schedule(
        0, "steps over which the learning rate rises from 0, with any schedule", ge=0
    )
    final_learning_rate: float = _schedule(
        0.0, "what cosine and linear end at; plateau and step never go below it", ge=0
    )
    decay_rate: float = _schedule(0.5, "factor of each decay of step and plateau", gt=0, lt=1)
    decay_start: int = _schedule(0, "step: the step of the first decay", ge=0)
    decay_every: int = _schedule(1000, "step: steps from decay to decay", ge=1)
    plateau_patience: int = _schedule(
        2, "plateau: evaluations without a better loss that are borne before a decay", ge=0
    )

    eval_every: int = _records(200, "steps between evaluations", ge=1)
    checkpoint_every: int = _records(200, "steps between checkpoints", ge=1)
    keep_checkpoints: int = _records(
        2, "how many checkpoints stay; two at least, as one may be damaged", ge=1
    )
    log_every: int = _records(20, "steps between lines of metrics.jsonl", ge=1)
    watch: int | None = _records(
        None,
        "steps between measurements of the gradient by lag; 0: none; default: 100,"
        " or more so that they take at most 2 % of the time",
        ge=0,
    )
    tensorboard: bool = _records(False, "write TensorBoard events too")

    precision: Literal["float32", "bfloat16"] = _machine(
        "float32", "bfloat16: matrix products in bfloat16 (autocast), weights in float32"
    )
    seed: int = _machine(0, "of every random draw", ge=0, lt=2**32)
    threads: int = _machine(0, "CPU threads; 0: torch's choice", ge=0, le=4096)
    device: str = _machine("cpu", "torch device")

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

    truncation: int = _tbptt(64, "time steps per update (k1)", ge=1)
    window: int | None = _tbptt(
        None,
        "time steps that gradients flow back (k2), a multiple of truncation; default: truncation",
        ge=1,
    )
    random_truncation: bool = _tbptt(
        False,
        "draw each length around truncation and scale the learning rate with it (as AWD-LSTM)",
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
