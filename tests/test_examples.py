"""Each example runs, with a small budget, as it stands."""

import runpy
from pathlib import Path

import pandas as pd
import pytest

from elman.tasks.runs import TASKS

EXAMPLES = sorted((Path(__file__).parent.parent / "examples").glob("*.py"))


@pytest.mark.python
@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_gives_a_frame(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = runpy.run_path(str(path))["main"](max_steps=2)
    assert isinstance(table, pd.DataFrame)
    assert len(table)
    assert capsys.readouterr().out


def test_every_task_has_an_example() -> None:
    shown = {path.stem.replace("_", "-") for path in EXAMPLES}
    assert set(TASKS) - {"sentiment"} == shown  # the same as classify
