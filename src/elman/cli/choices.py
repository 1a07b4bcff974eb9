"""The flags of a command that every task answers to, each with settings of its own.

`elman predict RUN --beam 5` is for a translation, `--levels` for a forecast. Which task a run is of
is known only once it is opened, so a command has the flags of all tasks, grouped by task in its
help, and the run refuses those that it does not have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any, Literal

from cyclopts import Group

from elman.cli.flags import flag
from elman.tasks.runs import TASKS, task_class


def with_options(
    command: Callable[..., None], use: Literal["Evaluation", "Prediction", "Streaming"]
) -> Callable[..., None]:
    """`command`, whose `**options` become the flags that any task has for this use.

    Args:
        command: takes its own arguments and `**options`, which receives only the flags given.
        use: the attribute of `Task` that holds the fields.

    Raises:
        AssertionError: two tasks mean different things by one flag.
    """
    own = inspect.signature(command, eval_str=True)
    parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    fields: dict[str, Any] = {}
    owners: dict[str, list[str]] = {}
    for kind in dict.fromkeys(task_class(name) for name in TASKS):
        for name, field in getattr(kind, use).model_fields.items():
            known = fields.setdefault(name, field)
            assert known.annotation == field.annotation, f"--{name} differs between tasks"
            owners.setdefault(name, []).append(kind.name)
    titles = dict.fromkeys(", ".join(names) for names in owners.values())
    groups = {title: Group.create_ordered(f"For {title}") for title in titles}
    for name, field in fields.items():
        parameters.append(flag(name, field, groups[", ".join(owners[name])], show=True))

    def with_keywords(*args: Any, **keywords: Any) -> None:
        command(*args, **keywords)

    with_keywords.__signature__ = own.replace(parameters=parameters)  # type: ignore[attr-defined]
    with_keywords.__doc__ = command.__doc__
    with_keywords.__name__ = command.__name__
    return with_keywords
