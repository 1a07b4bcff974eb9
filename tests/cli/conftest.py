from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from elman.cli.main import main
from elman.tasks.runs import Run
from tests import tiny


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it wrote."""

    code: int
    out: str
    err: str


Elman = Callable[..., Ended]


@pytest.fixture
def elman(capfd: pytest.CaptureFixture[str]) -> Elman:
    """The command line, in this process."""

    def run(*tokens: object) -> Ended:
        capfd.readouterr()
        code = main([str(token) for token in tokens])
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that tests read and never write to."""
    return tiny.run(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)
