"""What the processes of `elman.studies.probe.workers` do in its tests."""

import os
import time
from pathlib import Path

from elman.errors import InputError


def squared(job: int) -> tuple[int, int]:
    """The square, and who worked it out."""
    time.sleep(0.05)
    return job * job, os.getpid()


def refused(job: int) -> int:
    raise InputError(f"{job}: not this one")


def died(job: int) -> int:
    os._exit(7)


def busy(job: str) -> None:
    """Leave one's number and never come back."""
    Path(job).write_text(str(os.getpid()))
    time.sleep(600)
