"""Writes `src/elman/tasks/keywords.py`: the settings of each task, as keywords that have types.

    .venv/bin/python tools/keywords.py

A test compares the file with what the config classes give now.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, BeforeValidator
from pydantic.fields import FieldInfo

from elman.settings import listed
from elman.tasks.network_config import CellConfig, PlacedDropoutConfig, StackConfig
from elman.tasks.runs import TASKS, task_class
from elman.training.config import TrainingConfig

FILE = Path(__file__).parent.parent / "src" / "elman" / "tasks" / "keywords.py"
HEAD = '''"""The settings of each task as keywords of `elman.train`, for editors and type checkers.

Written by tools/keywords.py from the config classes; what each setting does stands in
`elman train TASK --help-all`.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal, TypedDict
'''
SHARED: dict[type[BaseModel], str] = {
    TrainingConfig: "of every training",
    CellConfig: "of every network",
    StackConfig: "of a stack of layers",
    PlacedDropoutConfig: "of a network whose dropout has places",
}
"""Config classes, each a subclass of the one before, whose settings are written once."""


def written() -> str:
    """The content of the file."""
    names: dict[type[BaseModel], str] = {}
    classes = [HEAD]
    for config, about in SHARED.items():
        classes.append(_class(_name(config), config, f"Settings {about}.", names))
        names[config] = _name(config)
    # A task whose config is a subclass of another's comes after it.
    for task in sorted(TASKS, key=lambda task: len(task_class(task).Config.__mro__)):
        config = task_class(task).Config
        classes.append(_class(class_of(task), config, f"Settings of the task `{task}`.", names))
        names[config] = class_of(task)
    return _formatted("\n\n".join(classes))


def class_of(task: str) -> str:
    """The name of the keywords of a task."""
    return "".join(word.capitalize() for word in task.split("-")) + "Settings"


def _name(config: type[BaseModel]) -> str:
    return config.__name__.removesuffix("Config") + "Settings"


def _class(
    name: str, config: type[BaseModel], about: str, names: Mapping[type[BaseModel], str]
) -> str:
    """The class of a config, below that of its nearest base of which one is written."""
    above = (kind for kind in config.__mro__[1:] if issubclass(kind, BaseModel))
    base = next((kind for kind in above if kind in names), None)
    known = set() if base is None else base.model_fields.keys()
    lines = [
        f"class {name}({'TypedDict' if base is None else names[base]}, total=False):",
        f'    """{about}"""',
        "",
    ]
    lines += [
        f"    {field}: {annotation(info)}"
        for field, info in sorted(config.model_fields.items())
        if field not in known
    ]
    return "\n".join(lines) + "\n"


def annotation(field: FieldInfo) -> str:
    """What a setting may be given as."""
    found: Any = field.annotation
    for part in field.metadata:
        found = Annotated[found, part]
    return " | ".join(dict.fromkeys(_types(found)))


def _types(kind: Any) -> Iterator[str]:
    arguments = get_args(kind)
    if get_origin(kind) is Annotated:
        inner, *marks = arguments
        if any(isinstance(mark, BeforeValidator) and mark.func is listed for mark in marks):
            (item,) = {part for part in get_args(_tuple_in(inner)) if part is not Ellipsis}
            yield "str"
            yield from _types(item)
            yield f"Sequence[{' | '.join(_types(item))}]"
            if NoneType in get_args(inner):
                yield "None"
        else:
            yield from _types(inner)
    elif get_origin(kind) in (Union, UnionType):
        for part in arguments:
            yield from _types(part)
    elif get_origin(kind) is Literal:
        yield f"Literal[{', '.join(map(repr, arguments))}]"
    elif get_origin(kind) is tuple:
        items = [" | ".join(_types(part)) for part in arguments if part is not Ellipsis]
        yield f"Sequence[{items[0]}]" if Ellipsis in arguments else f"tuple[{', '.join(items)}]"
    elif kind is Path:
        yield from ("str", "Path")
    elif kind is NoneType:
        yield "None"
    else:
        yield kind.__name__


def _tuple_in(kind: Any) -> Any:
    """The tuple of a kind that may be None."""
    if get_origin(kind) is tuple:
        return kind
    (found,) = (part for part in get_args(kind) if get_origin(part) is tuple)
    return found


def _formatted(code: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(FILE), "-"]
    return subprocess.run(ruff, input=code, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    FILE.write_text(written(), encoding="utf-8")
