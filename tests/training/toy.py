"""A small recurrent objective with everything random in it, for the tests of the loop.

Run as a program it trains the case named in its arguments and kills itself: see `main`.
"""

import json
import os
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import elman
from elman.data.batching import Batch, TokenChunks, evaluation_chunks
from elman.files import write_json
from elman.layers.state import State
from elman.training.config import TruncatedConfig
from elman.training.contracts import StepEvent, StepLoss
from elman.training.log import QuietLog
from elman.training.loop import Outcome, train
from elman.training.preparation import preparing
from elman.training.run_directory import RunDirectory

VOCAB = 7
TOKENS = np.random.default_rng(5).choice(VOCAB, 900, p=np.array([6, 5, 4, 3, 2, 1, 1]) / 22)
TOKENS = (TOKENS + np.roll(TOKENS, 1)) % VOCAB  # the present depends on the past
VALIDATION = TOKENS[:60]

SMALL: dict[str, Any] = {
    "max_steps": 14,
    "batch_size": 4,
    "truncation": 8,
    "eval_every": 4,
    "checkpoint_every": 3,
    "log_every": 2,
    "threads": 1,
}

# Everything that has a state, spread over as few runs as its exclusions allow.
CASES: dict[str, dict[str, Any]] = {
    "adamw, cosine, window, accumulation": {
        "schedule": "cosine",
        "warmup_steps": 5,
        "truncation": 4,
        "window": 12,
        "accumulate": 3,
        "weight_decay": 0.1,
    },
    "sgd, averaging, random truncation, plateau": {
        "optimizer": "sgd",
        "momentum": 0.9,
        "learning_rate": 3.0,
        "average": "asgd",
        "average_interval": 1,
        "random_truncation": True,
        "schedule": "plateau",
        "plateau_patience": 0,
        "eval_every": 2,
        "clip_norm": 0.25,
    },
    "sgd, step, bfloat16": {
        "optimizer": "sgd",
        "learning_rate": 1.0,
        "schedule": "step",
        "decay_start": 4,
        "decay_every": 2,
        "precision": "bfloat16",
    },
}


class Model(nn.Module):
    """Embedding, dropout, LSTM with a learned initial state, dropout, tied read-out."""

    def __init__(self, dropout: float = 0.3) -> None:
        super().__init__()
        self.embedding = nn.Embedding(VOCAB, 6)
        self.recurrent = elman.LSTM(6, 6, learn_initial_state=True)
        self.readout = nn.Linear(6, VOCAB)
        self.readout.weight = self.embedding.weight
        self.dropout = dropout

    def initial_state(self, batch_size: int) -> State:
        return self.recurrent.initial_state(batch_size)

    def forward(self, tokens: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        x = F.dropout(self.embedding(tokens), self.dropout, self.training)
        y, state = self.recurrent(x, state)
        return self.readout(F.dropout(y, self.dropout, self.training)), state


class Objective:
    unit = "tokens"

    def __init__(self, model: Model) -> None:
        self.model = model

    def loss(self, batch: Batch, state: State | None) -> StepLoss:
        assert state is not None
        scores, state = self.model(batch.inputs, state)
        scores = scores.to(torch.promote_types(scores.dtype, torch.float32))
        loss = F.cross_entropy(scores.flatten(0, 1), batch.targets.flatten())
        return StepLoss(loss, batch.units, state)

    def advance(self, batch: Batch, state: State) -> State:
        return self.model(batch.inputs, state)[1]

    def evaluate(self) -> dict[str, float]:
        assert not self.model.training
        assert not torch.is_grad_enabled()
        torch.rand(3)  # an evaluation that draws must not change the training
        state, total = self.model.initial_state(2), 0.0
        for batch in evaluation_chunks(VALIDATION, 2, 20, 0):
            result = self.loss(batch, state)
            assert result.state is not None
            total, state = total + float(result.loss) * result.units, result.state
        return {"loss": total / len(VALIDATION), "perplexity": float(np.exp(total / 60))}


def make_config(**changes: Any) -> TruncatedConfig:
    return TruncatedConfig.model_validate(SMALL | changes)


def make_parts(config: TruncatedConfig) -> tuple[Objective, TokenChunks]:
    torch.manual_seed(config.seed)
    source = TokenChunks(
        TOKENS,
        config.batch_size,
        config.truncation,
        0,
        random_length=config.random_truncation,
        seed=config.seed,
    )
    return Objective(Model()), source


def make_run(path: Path, config: TruncatedConfig) -> RunDirectory:
    with preparing(path) as preparation:
        write_json(preparation.place.header_path, {})
        preparation.place.write_config("toy", config.model_dump(mode="json"))
        preparation.publish().release()
    return RunDirectory(path)


def go(
    run: RunDirectory | None, config: TruncatedConfig, observers: Any = ()
) -> tuple[Outcome, Objective]:
    """Train from the latest checkpoint of `run`, or from the beginning."""
    objective, source = make_parts(config)
    resume_from = None if run is None else run.usable_checkpoint()
    outcome = train(objective, source, config, run, QuietLog(), observers, resume_from)
    return outcome, objective


TIMES = {"seconds", "units_per_second", "chain"}


def lines(run: RunDirectory) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in run.metrics_path.read_text().splitlines()]
    return [{k: v for k, v in record.items() if k not in TIMES} for record in records]


def weights(objective: Objective) -> dict[str, torch.Tensor]:
    return objective.model.state_dict()


def same_bits(left: dict[str, torch.Tensor], right: dict[str, torch.Tensor]) -> bool:
    return left.keys() == right.keys() and all(torch.equal(left[k], right[k]) for k in left)


class At:
    """Does something after the backward pass of one step."""

    def __init__(self, step: int, action: Any) -> None:
        self.step, self.action = step, action

    def after_backward(self, event: StepEvent) -> None:
        if event.step == self.step:
            self.action()


def main(case: str, path: str, step: str, number: str) -> None:
    """Train `case` in a new run at `path` and send ourselves signal `number` at `step`."""
    config = make_config(**CASES[case])
    run = make_run(Path(path), config)
    go(run, config, [At(int(step), lambda: os.kill(os.getpid(), int(number)))])


if __name__ == "__main__":
    main(*sys.argv[1:])
