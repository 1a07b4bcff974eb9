"""The settings of the task `memory`: which problem at which lag, by which network, trained how."""

from __future__ import annotations

from typing import Literal

from elman.settings import setting
from elman.tasks.network_config import CellConfig

_PROBLEM = "Problem"
_MODEL = "Model"


class MemoryConfig(CellConfig):
    """Which problem, at which lag, by which network, trained how."""

    problem: Literal[
        "recall", "adding", "copying", "temporal-order", "parity", "counting", "digits"
    ] = setting("recall", "what has to be remembered", _PROBLEM)
    lag: int = setting(50, "steps that it has to be remembered for", _PROBLEM, ge=1)
    eval_sequences: int = setting(
        500, "fresh sequences of an evaluation; the test has four times as many", _PROBLEM, ge=1
    )
    early_stop: bool = setting(
        True, "stop once half the error that mastery allows is reached", _PROBLEM
    )

    hidden_size: int = setting(32, "units", _MODEL, ge=1, le=65536)

    batch_size: int = setting(16, "sequences of an update", "Optimization", ge=1)
    learning_rate: float = setting(3e-3, "the learning rate", "Optimization", gt=0)
    schedule: Literal["constant", "cosine", "plateau", "step"] = setting(
        "constant", "how the learning rate falls", "Schedule"
    )
    max_steps: int = setting(3000, "stop after this many updates", "Budget", ge=1)
    eval_every: int = setting(
        100, "updates between evaluations", "Evaluation and checkpoints", ge=1
    )
