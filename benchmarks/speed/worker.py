"""A peer's process: `python -m benchmarks.speed.worker PEER`, JSON lines in and JSON lines out.

{"do": "build", "cell": …, "dtype": …, "threads": …, "arrays": FILE, "results": FILE}
    makes the cell ready, computes it once, writes its results, and answers with versions;
{"do": "burst", "calls": N} answers with the seconds that N calls took;
{"do": "each", "calls": N, "seconds": S} answers with the seconds of each of N calls, or of as
    many as fit into S seconds.

Between two requests it waits for a line, and its threads come to rest.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Mapping
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from time import perf_counter
from typing import Any, TextIO

import numpy as np

from benchmarks.speed.cells import Cell
from benchmarks.speed.contract import Cannot, Contestant, Problem
from benchmarks.speed.peers import PEERS, Peer
from elman.studies.timing import seconds

WARM_UP = 0.1
"""Seconds of calls, at most one more, before anything is timed."""


def main() -> None:
    """Answer requests until the input ends."""
    answers = _own_output()
    peer = PEERS[sys.argv[1]]
    contestant: Contestant | None = None
    for line in sys.stdin:
        request = json.loads(line)
        try:
            if request["do"] == "build":
                contestant = None  # its memory is free before the next one takes its own
                contestant = _build(peer, request)
                answer: dict[str, Any] = {"versions": _versions(peer), "note": contestant.note}
            else:
                assert contestant is not None
                answer = {"seconds": TIMED[request["do"]](contestant, request)}
        except Cannot as reason:
            answer = {"cannot": str(reason)}
        except Exception as error:  # noqa: BLE001 (whatever a peer raises is told in the report)
            answer = {"failed": f"{type(error).__name__}: {error}"}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def _own_output() -> TextIO:
    """The pipe to the parent; what libraries print goes to the log instead."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return answers


def _build(peer: Peer, request: Mapping[str, Any]) -> Contestant:
    with np.load(request["arrays"]) as file:
        arrays = dict(file)
    cell = Cell(**request["cell"])
    problem = Problem(cell, request["dtype"], request["threads"], arrays)
    module = import_module(f"benchmarks.speed.peers.{peer.module}")
    contestant: Contestant = module.build(problem, peer.variant)
    with contestant.around():
        results = contestant.results()
        np.savez(request["results"], **dict(results))  # type: ignore[arg-type]
        began = perf_counter()
        while perf_counter() - began < WARM_UP:
            contestant.call()
    return contestant


def _burst(contestant: Contestant, request: Mapping[str, Any]) -> float:
    """Seconds for all calls; where they are many, one before them wakes the threads."""
    gc.collect()
    with contestant.around():
        if request["calls"] > 1:
            contestant.call()
        return seconds(contestant.call, request["calls"])


def _each(contestant: Contestant, request: Mapping[str, Any]) -> list[float]:
    times: list[float] = []
    with contestant.around():
        contestant.call()
        end = perf_counter() + request["seconds"]
        while len(times) < request["calls"] and (not times or perf_counter() < end):
            times.append(seconds(contestant.call))
    return times


TIMED = {"burst": _burst, "each": _each}


def _versions(peer: Peer) -> dict[str, str]:
    versions = {}
    for package in peer.packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = "unknown"
    return versions


if __name__ == "__main__":
    main()
