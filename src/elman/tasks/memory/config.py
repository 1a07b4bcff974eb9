"""The settings of the task `memory`: which problem at which lag, by which network, trained how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from elman.tasks.network_config import CellConfig
from elman.training.config import section

_PROBLEM = section("Problem")
_MODEL = section("Model")


class MemoryConfig(CellConfig):
    """Which problem, at which lag, by which network, trained how."""

    problem: Literal[
        "recall", "adding", "copying", "temporal-order", "parity", "counting", "digits"
    ] = Field("recall", description="what has to be remembered", json_schema_extra=_PROBLEM)
    lag: int = Field(
        50, ge=1, description="steps that it has to be remembered for", json_schema_extra=_PROBLEM
    )
    eval_sequences: int = Field(
        500,
        ge=1,
        description="fresh sequences of an evaluation; the test has four times as many",
        json_schema_extra=_PROBLEM,
    )
    early_stop: bool = Field(
        True,
        description="stop once half the error that mastery allows is reached",
        json_schema_extra=_PROBLEM,
    )

    hidden_size: int = Field(32, ge=1, le=65536, description="units", json_schema_extra=_MODEL)

    batch_size: int = Field(
        16, ge=1, description="sequences of an update", json_schema_extra=section("Optimization")
    )
    learning_rate: float = Field(
        3e-3, gt=0, description="the learning rate", json_schema_extra=section("Optimization")
    )
    schedule: Literal["constant", "cosine", "plateau", "step"] = Field(
        "constant",
        description="how the learning rate falls",
        json_schema_extra=section("Schedule"),
    )
    max_steps: int = Field(
        3000, ge=1, description="stop after this many updates", json_schema_extra=section("Budget")
    )
    eval_every: int = Field(
        100,
        ge=1,
        description="updates between evaluations",
        json_schema_extra=section("Evaluation and checkpoints"),
    )
