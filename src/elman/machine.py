"""The device and threads that training runs on, and the random states it draws from."""

from __future__ import annotations

import platform
import random
import re
import sys
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from elman.errors import InputError
from elman.parse import shown


def use_device(name: str) -> torch.device:
    """The torch device called `name`."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of names that torch is about to drop
            device = torch.device(name)
            torch.ones(1, device=device).item()  # "meta" makes tensors that hold nothing
    except (RuntimeError, AssertionError, NotImplementedError, ImportError) as error:
        reason = str(error).partition("\n")[0][:150]
        raise InputError(
            f"device {shown(name)} cannot be used ({reason}); expected cpu, or cuda where there is"
            " a GPU and a torch built for it"
        ) from error
    return device


def use_threads(number: int | None) -> None:
    """Compute with so many threads of the CPU from now on; None changes nothing."""
    if number is not None:
        torch.set_num_threads(number)


def processor() -> str:
    """The processor, as the system calls it."""
    listing = Path("/proc/cpuinfo")
    text = listing.read_text(encoding="utf-8", errors="replace") if listing.exists() else ""
    if found := re.search(r"^model name\s*:(.*)$", text, re.MULTILINE):
        return found[1].strip()
    return platform.processor() or platform.machine() or sys.platform


def seed_everything(seed: int) -> None:
    """Seed Python, NumPy and torch."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002  (the global state is what a user's code may draw from)
    torch.manual_seed(seed)


def random_states() -> dict[str, Any]:
    """The states as a tree that a checkpoint can hold."""
    numpy = np.random.get_state(legacy=False)  # noqa: NPY002
    assert isinstance(numpy, dict)
    cuda = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    words = torch.from_numpy(numpy["state"]["key"].astype(np.int64))
    return {
        "python": random.getstate(),
        "numpy": {**numpy, "state": {"key": words, "pos": int(numpy["state"]["pos"])}},
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if cuda else [],
    }


def restore_random_states(states: Mapping[str, Any]) -> None:
    """Go back to what `random_states` gave."""
    random.setstate(states["python"])
    numpy = states["numpy"]
    key = numpy["state"]["key"].numpy().astype(np.uint32)
    np.random.set_state({**numpy, "state": {**numpy["state"], "key": key}})  # noqa: NPY002
    torch.set_rng_state(states["torch"])
    if states["cuda"]:
        torch.cuda.set_rng_state_all(states["cuda"])


@contextmanager
def untouched_randomness() -> Iterator[None]:
    """Whatever is drawn inside, the draws that follow are those that would have followed."""
    states = random_states()
    try:
        yield
    finally:
        restore_random_states(states)
