from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from elman.errors import InputError
from elman.tasks.runs import resume
from elman.tensors import load_tree, save_tree
from elman.training.progress import lay_out_as_weights
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


def test_what_an_optimizer_remembers_lies_as_its_weights_do() -> None:
    weight = torch.nn.Parameter(torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last))
    plain = torch.nn.Parameter(torch.randn(7, 2))
    one = torch.optim.AdamW([weight, plain], fused=True)
    for each in (weight, plain):
        each.grad = torch.randn(each.shape).to(each)
    one.step()
    saved = one.state_dict()
    saved["state"] = {
        place: {
            name: value.clone(memory_format=torch.contiguous_format) for name, value in s.items()
        }
        for place, s in saved["state"].items()
    }
    again = torch.optim.AdamW([weight, plain], fused=True)
    again.load_state_dict(saved)
    lay_out_as_weights(again)
    for each in (weight, plain):
        for name, value in one.state[each].items():
            assert again.state[each][name].equal(value)
            assert again.state[each][name].stride() == value.stride()
