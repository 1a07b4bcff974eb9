"""The settings of the task `memory`: which problem at which lag, by which network, trained how."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from elman.training.config import TrainingConfig, section

_PROBLEM = section("Problem")
_MODEL = section("Model")


class MemoryConfig(TrainingConfig):
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

    cell: str = Field(
        "lstm",
        description="rnn, rnn-relu, gru, lstm, or package.module:Class for a cell of your own",
        json_schema_extra=_MODEL,
    )
    hidden_size: int = Field(32, ge=1, le=65536, description="units", json_schema_extra=_MODEL)
    init: Literal["torch", "orthogonal", "identity"] = Field(
        "torch",
        description="the start of V: torch's uniform draw, orthogonal, or the identity (Le 2015)",
        json_schema_extra=_MODEL,
    )
    forget_bias: float | None = Field(
        None, description="the LSTM's forget bias at the start", json_schema_extra=_MODEL
    )
    chrono: float | None = Field(
        None,
        gt=2,
        description="gates start to keep for up to this many steps (Tallec 2018)",
        json_schema_extra=_MODEL,
    )
    layer_norm: bool = Field(
        False, description="layer norm inside the cell (Ba 2016)", json_schema_extra=_MODEL
    )

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
