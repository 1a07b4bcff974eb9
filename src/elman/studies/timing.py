"""Timing calls fairly: turn by turn, so that a busy moment of the machine hits all of them.

It needs nothing but Python, so that a benchmark may use it in an environment of its own.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from time import perf_counter

Call = Callable[[], object]


def seconds(call: Call, calls: int = 1) -> float:
    """How long `calls` calls take together, with the garbage collector off."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        began = perf_counter()
        for _ in range(calls):
            call()
        return perf_counter() - began
    finally:
        if enabled:
            gc.enable()


def interleaved(
    calls: Mapping[str, Call], rounds: int, budget: float = 0.0
) -> dict[str, list[float]]:
    """The seconds of each call in each round; every round has one call of each.

    One round before them is not counted: it pays for what later calls find ready. There are at
    least `rounds`, and more until `budget` seconds have passed.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    began, done = perf_counter(), 0
    while done < rounds or perf_counter() - began < budget:
        for name, call in calls.items():
            times[name].append(seconds(call))
        done += 1
    return times
