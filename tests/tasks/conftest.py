from pathlib import Path

import pytest

from elman.tasks.runs import Run
from tests import tiny


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that tests read and never write to."""
    return tiny.run(tmp_path_factory.mktemp("trained"))


@pytest.fixture
def text_file(tmp_path: Path) -> Path:
    return tiny.write(tmp_path)
