from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from elman.errors import InputError
from elman.tasks.runs import resume
from elman.tensors import load_tree, save_tree
from tests import tiny


@pytest.mark.parametrize(
    "change",
    [
        {"model": None},
        {"model": 5},
        {"progress": {"step": "x", "tally": {}}},
        {"progress": {"step": 1, "tally": 5}},
        {"optimizer": {"state": 5, "param_groups": 5}},
        {"source": []},
        {"window": {"state": 3}},
        {"random": {}},
    ],
)
def test_a_checkpoint_of_wrong_types_is_one_line(tmp_path: Path, change: dict[str, Any]) -> None:
    run = tiny.run(tmp_path, max_steps=1)
    checkpoint = run.directory.all_checkpoints()[-1]
    assert checkpoint is not None
    save_tree(checkpoint, load_tree(checkpoint) | change)
    with pytest.raises(InputError, match="step-0") as caught:
        resume(run.path, max_steps=2)
    assert "\n" not in str(caught.value)
