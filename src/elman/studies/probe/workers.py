"""Work spread over processes of one thread each, where each result may decide what comes next."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any, TypeVar, cast

from elman.errors import ElmanError, RunFailed
from elman.training.signals import Interrupted

Job = TypeVar("Job")
Answer = TypeVar("Answer")


@dataclass
class _Worker:
    """A process, our end of its pipe, and what it is doing."""

    process: BaseProcess
    pipe: Connection
    job: Any = None


def spread(
    work: Callable[[Job], Answer], upcoming: Callable[[], Sequence[Job]], processes: int
) -> Iterator[tuple[Job, Answer]]:
    """Each job with its answer, as they are done.

    The processes are started afresh (no fork: OpenMP's threads would be lost) and end with
    this generator, or with this process however it dies.

    `work`, its jobs and answers can be pickled; an ElmanError or OSError that it raises is raised
    here. `upcoming` is asked after each answer: the jobs not yet answered, the most urgent first,
    the running ones among them or not. The end is when there are none and none is running.

    Raises:
        RunFailed: a process died.
    """
    workers = [_started(work) for _ in range(processes)]
    try:
        while True:
            running = [worker.job for worker in workers if worker.job is not None]
            waiting = iter([job for job in upcoming() if job not in running])
            for worker in workers:
                if worker.job is None and (job := next(waiting, None)) is not None:
                    worker.job = job
                    worker.pipe.send(job)
            busy = {worker.pipe: worker for worker in workers if worker.job is not None}
            if not busy:
                return
            for pipe in wait(list(busy)):
                worker = busy[cast("Connection", pipe)]
                job, worker.job = worker.job, None
                yield job, _received(worker, job)
    finally:
        for worker in workers:
            worker.process.kill()
        for worker in workers:
            worker.process.join()
            worker.pipe.close()


def _started(work: Callable[[Any], Any]) -> _Worker:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=_serve, args=(work, theirs), daemon=True)
    process.start()
    theirs.close()
    return _Worker(process, ours)


def _received(worker: _Worker, job: object) -> Any:
    try:
        answer = worker.pipe.recv()
    except (EOFError, ConnectionError) as error:
        worker.process.join()
        code = worker.process.exitcode
        raise RunFailed(f"the process that worked on {job} died (exit code {code})") from error
    if isinstance(answer, Exception):
        raise answer
    return answer


def _serve(work: Callable[[Any], Any], pipe: Connection) -> None:
    """The life of a worker: a job, its answer, the next job."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent to answer
    Thread(target=_end_with_parent, daemon=True).start()
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        try:
            answer = work(job)
        except Interrupted:
            return
        except (ElmanError, OSError) as error:
            answer = error
        pipe.send(answer)


def _end_with_parent() -> None:
    """A parent that was killed can't end its workers; nobody would read what they go on doing."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
