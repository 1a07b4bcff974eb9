"""What every test gets: one thread, a fixed seed, and hypothesis without a clock."""

import ctypes
import os
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import hypothesis
import numpy as np
import pytest
import torch

from elman.errors import command_line
from elman.kernels import native
from elman.tasks.runs import Run
from tests import tiny

# The matrices of the tests are small, and pytest-xdist already fills the cores.
torch.set_num_threads(1)
os.environ.setdefault("OMP_NUM_THREADS", "1")  # for the processes that tests start

# `make test` repeats itself to the letter; HYPOTHESIS_PROFILE=explore looks for new examples.
hypothesis.settings.register_profile("fixed", deadline=None, derandomize=True, database=None)
hypothesis.settings.register_profile("explore", deadline=None)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "fixed"))


@pytest.fixture(autouse=True)
def seed() -> int:
    """Seed torch and NumPy before each test, so that none depends on those before it."""
    torch.manual_seed(0)
    np.random.seed(0)  # noqa: NPY002 (for code under test that draws from the global generator)
    return 0


@pytest.fixture(autouse=True)
def speaker(request: pytest.FixtureRequest) -> Iterator[None]:
    """Messages as they are written, with flags; with the mark `python`, as Python gets them."""
    with nullcontext() if request.node.get_closest_marker("python") else command_line():
        yield


@pytest.fixture(autouse=True)
def torch_as_found() -> Iterator[None]:
    """Put back what a test may change for the whole process."""
    dtype, threads = torch.get_default_dtype(), torch.get_num_threads()
    yield
    torch.set_default_dtype(dtype)
    torch.set_num_threads(threads)


@pytest.fixture
def poisoned_memory() -> Iterator[None]:
    """Make `torch.empty` and our kernels hand out NaN, so that memory read too early shows."""
    path = native.library()
    ours = ctypes.CDLL(path).elman_poison_memory if path else lambda on: None
    deterministic = torch.are_deterministic_algorithms_enabled()
    fill = torch.utils.deterministic.fill_uninitialized_memory
    torch.use_deterministic_algorithms(True)
    torch.utils.deterministic.fill_uninitialized_memory = True
    ours(1)
    yield
    ours(0)
    torch.use_deterministic_algorithms(deterministic)
    torch.utils.deterministic.fill_uninitialized_memory = fill


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that tests read and never write to."""
    return tiny.run(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)
