"""The processes of the peers: started when needed, asked one at a time, waited for until still."""

from __future__ import annotations

import json
import os
import select
import subprocess
import time
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from benchmarks.speed.environments import Environments
from benchmarks.speed.peers import PEERS

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src"
BUILD_SECONDS = 600.0
STILL_SECONDS = 0.003
STILL_SHARE = 0.05
PATIENCE_SECONDS = 1.0


class WorkerFailed(Exception):
    """A worker could not be started, died, or gave no answer; the message is the reason."""


class Worker:
    """One peer's process."""

    def __init__(self, peer: str, python: Path, threads: int, log: Path) -> None:
        self.log = log
        with log.open("ab") as file:
            self.process = subprocess.Popen(
                [str(python), "-m", "benchmarks.speed.worker", peer],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=file,
                text=True,
                cwd=ROOT,
                env=_environment(peer, threads),
            )
        if threads == 1 and PEERS[peer].pinned and hasattr(os, "sched_setaffinity"):
            os.sched_setaffinity(self.process.pid, {max(os.sched_getaffinity(0))})

    def ask(self, timeout: float, **request: Any) -> dict[str, Any]:
        """Send a request and return the answer.

        Raises:
            WorkerFailed: there is none.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps(request) + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise WorkerFailed(self._death()) from None
        # One answer a request: nothing can be waiting in the reader's own buffer.
        ready, _, _ = select.select([self.process.stdout], [], [], timeout)
        if not ready:
            self.stop()
            raise WorkerFailed(f"no answer within {timeout:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise WorkerFailed(self._death())
        answer: dict[str, Any] = json.loads(line)
        return answer

    def settle(self) -> bool:
        """Wait until its threads have stopped spinning; False when they do not.

        What spins after a call would take a core away from the next one's turn.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        before = _cpu_seconds(self.process.pid)
        while before is not None and time.monotonic() < end:
            time.sleep(STILL_SECONDS)
            now = _cpu_seconds(self.process.pid)
            if now is None or now - before < STILL_SHARE * STILL_SECONDS:
                return True
            before = now
        return before is None

    def stop(self) -> None:
        """End the process, politely at first."""
        if self.process.stdin:
            try:
                self.process.stdin.close()
                self.process.wait(timeout=2)
            except (OSError, subprocess.TimeoutExpired):
                self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()

    def _death(self) -> str:
        code = self.process.wait()
        lines = self.log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
        return f"the process ended with {code}: {lines[-1] if lines else 'it said nothing'}"[:300]


class Workers:
    """The workers of one measurement, by peer and number of threads.

    A second contestant of the same peer gets a process of its own, told apart by `place`.
    """

    def __init__(self, environments: Environments, logs: Path) -> None:
        self.environments, self.logs = environments, logs
        self.workers: dict[tuple[str, str, int], Worker] = {}
        logs.mkdir(parents=True, exist_ok=True)

    def get(self, peer: str, place: str, threads: int) -> Worker:
        """The worker for `peer`, started if there is none alive.

        Raises:
            WorkerFailed: its environment cannot be made.
        """
        key = (peer, place, threads)
        worker = self.workers.get(key)
        if worker is None or worker.process.poll() is not None:
            python = self.environments.python(PEERS[peer].own)
            if isinstance(python, str):
                raise WorkerFailed(python)
            log = self.logs / f"{place}-{threads}.log".replace(" ", "-")
            self.workers[key] = worker = Worker(peer, python, threads, log)
        return worker

    def close(self) -> None:
        """End them all."""
        for worker in self.workers.values():
            worker.stop()
        self.workers.clear()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _environment(peer: str, threads: int) -> dict[str, str]:
    """The parent's variables, with the number of threads in every dialect."""
    pools = ("OMP_NUM", "MKL_NUM", "OPENBLAS_NUM", "TF_NUM_INTRAOP", "TF_NUM_INTEROP")
    numbers = {f"{pool}_THREADS": str(threads) for pool in pools}
    # Only the interpreter's own packages, and elman's modules that need no torch.
    paths = {"PYTHONNOUSERSITE": "1", "PYTHONPATH": str(SOURCES)}
    return os.environ | numbers | paths | dict(PEERS[peer].environment)


def _cpu_seconds(pid: int) -> float | None:
    """Processor time of all threads, to the nanosecond; None where the system does not tell."""
    total = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            try:
                total += int((task / "schedstat").read_text(encoding="ascii").split()[0])
            except ProcessLookupError:  # a thread that has just ended
                continue
    except (OSError, ValueError):
        return None
    return total / 1e9
