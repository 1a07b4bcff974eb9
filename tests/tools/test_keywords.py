from pathlib import Path
from typing import Annotated, Literal, Unpack, get_args, get_overloads, get_type_hints

import pytest
from pydantic import BaseModel, BeforeValidator

import keywords
from elman.settings import listed
from elman.tasks import keywords as written
from elman.tasks.runs import TASKS, task_class
from elman.tasks.train import train


def test_the_file_is_what_the_configs_give() -> None:
    assert keywords.FILE.read_text(encoding="utf-8") == keywords.written(), (
        "run: PYTHONPATH=tools .venv/bin/python tools/keywords.py"
    )


@pytest.mark.parametrize("task", TASKS)
def test_a_task_has_all_its_settings_and_an_overload(task: str) -> None:
    settings = getattr(written, keywords.class_of(task))
    assert set(settings.__annotations__) | settings.__optional_keys__ == set(
        task_class(task).Config.model_fields
    )
    found = [get_type_hints(each) for each in get_overloads(train)]
    assert [hints["settings"] for hints in found if hints["task"] == Literal[task]] == [
        Unpack[settings]
    ]
    assert get_args(next(hints for hints in found if hints["task"] == Literal[task])["return"]), (
        "the run says which predictor it has"
    )


class Example(BaseModel):
    path: Path | None = None
    few: Annotated[tuple[int, ...], BeforeValidator(listed)] | None = None
    two: tuple[float, float] = (0.0, 1.0)
    kind: Literal["a", "b"] = "a"


def test_what_a_setting_may_be_given_as() -> None:
    found = {name: keywords.annotation(field) for name, field in Example.model_fields.items()}
    assert found == {
        "path": "str | Path | None",
        "few": "str | int | Sequence[int] | None",
        "two": "tuple[float, float]",
        "kind": "Literal['a', 'b']",
    }
