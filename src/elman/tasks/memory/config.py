"""The settings of the task `memory`: which problem at which lag, by which network, trained how."""

from __future__ import annotations

from typing import Literal

from elman.settings import section
from elman.tasks.network_config import CellConfig

_problem = section("Problem")
_model = section("Model")
_optimization = section("Optimization")
_schedule = section("Schedule")
_budget = section("Budget")
_records = section("Evaluation and checkpoints")


class MemoryConfig(CellConfig):
    """Which problem, at which lag, by which network, trained how."""

    problem: Literal[
        "recall", "adding", "copying", "temporal-order", "parity", "counting", "digits"
    ] = _problem("recall", "what has to be remembered")
    lag: int = _problem(50, "steps that it has to be remembered for", ge=1)
    eval_sequences: int = _problem(
        500, "fresh sequences of an evaluation; the test has four times as many", ge=1
    )
    early_stop: bool = _problem(True, "stop once half the error that mastery allows is reached")

    hidden_size: int = _model(32, "units", ge=1, le=65536)

    batch_size: int = _optimization(16, "sequences of an update", ge=1)
    learning_rate: float = _optimization(3e-3, "the learning rate", gt=0)
    schedule: Literal["constant", "cosine", "plateau", "step"] = _schedule(
        "constant", "how the learning rate falls"
    )
    max_steps: int = _budget(3000, "stop after this many updates", ge=1)
    eval_every: int = _records(100, "updates between evaluations", ge=1)
