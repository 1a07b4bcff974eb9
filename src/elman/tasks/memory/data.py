"""Sequences of a memory problem, drawn as they are needed.

Legend: T time, B batch.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, final

from elman.data.batching import Batch
from elman.data.memory import Problem, Split
from elman.tasks.memory.config import MemoryConfig

# The most steps, of all rows together, that a batch of an evaluation reads at once.
_STEPS_AT_ONCE = 50_000


def held_out(problem: Problem, config: MemoryConfig, split: Split) -> list[Batch]:
    """The sequences that an evaluation ("valid") or the test answers, cut into batches.

    Those of the test are drawn from a seed of their own, so they are the same for all.
    """
    wanted = config.eval_sequences * (4 if split == "test" else 1)
    seed = config.seed if split == "valid" else 0
    steps = problem.batch(config.lag, 1, seed=seed, split=split).steps
    size = wanted if problem.finite else max(1, min(wanted, _STEPS_AT_ONCE // steps))
    return [
        problem.batch(
            config.lag, min(size, wanted - begin), seed=seed, index=begin // size, split=split
        )
        for begin in range(0, wanted, size)
    ]


@final
class Sequences:
    """An endless source of batches; its place is the index of the next."""

    def __init__(self, problem: Problem, config: MemoryConfig) -> None:
        self._problem = problem
        self._config = config
        self._index = 0

    @property
    def steps_per_epoch(self) -> int:
        return self._config.max_steps

    def __next__(self) -> Batch:
        config = self._config
        batch = self._problem.batch(
            config.lag, config.batch_size, seed=config.seed, index=self._index, split="train"
        )
        self._index += 1
        return batch

    def state_dict(self) -> dict[str, Any]:
        return {"index": self._index}

    def load_state_dict(self, state: Mapping[str, Any], /) -> None:
        self._index = int(state["index"])
