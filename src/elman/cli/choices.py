"""The flags of a command whose settings differ from one kind of network to another.

`elman predict RUN --beam 5` is for a translation, `--levels` for a forecast. Which kind a run is of
is known only once it is opened, so a command has the flags of all of them, grouped in its help, and
the network refuses those that it does not have.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from typing import Any, Literal, TypeAlias

from cyclopts import Group

from elman.cli.flags import flag
from elman.predictors.predictor import KINDS, kind_class
from elman.settings import Options
from elman.tasks.runs import TASKS, task_class

Use: TypeAlias = Literal["Evaluation", "Prediction", "Streaming"]


def with_options(command: Callable[..., None], use: Use) -> Callable[..., None]:
    """`command`, whose `**options` become the flags that any task or predictor has for this use.

    Args:
        command: takes its own arguments and `**options`, which receives only the flags given.
        use: which settings: of `Task.evaluate`, `Predictor.predict` or `Predictor.session`.

    Raises:
        AssertionError: two kinds mean different things by one flag.
    """
    own = inspect.signature(command, eval_str=True)
    parameters = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]
    fields: dict[str, Any] = {}
    owners: dict[str, list[str]] = {}
    for kind, settings in _kinds(use):
        for name, field in settings.model_fields.items():
            known = fields.setdefault(name, field)
            assert known.annotation == field.annotation, f"--{name} differs between kinds"
            owners.setdefault(name, []).append(kind)
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


def _kinds(use: Use) -> Iterator[tuple[str, type[Options]]]:
    """Each task or predictor with its settings for a use."""
    if use == "Evaluation":
        for task in dict.fromkeys(task_class(name) for name in TASKS):
            yield task.name, task.Evaluation
    else:
        for name in KINDS:
            kind = kind_class(name)
            yield name, kind.Prediction if use == "Prediction" else kind.Streaming
