"""The flags of a command whose settings differ from one kind of network to another.

`elman predict RUN --beam 5` is for a translation, `--levels` for a forecast. Which kind a run is of
is known only once it is opened, so a command has the flags of all of them, grouped in its help, and
the network refuses those that it does not have.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from cyclopts import Group
from pydantic.fields import FieldInfo

from elman.cli.flags import Command, flag, with_parameters
from elman.predictors.predictor import KINDS, kind_class
from elman.settings import Options
from elman.tasks.runs import TASKS, task_class

Use: TypeAlias = Literal["Evaluation", "Prediction", "Streaming"]


def with_options(command: Command, use: Use, *, only: str | None = None) -> Command:
    """`command`, whose `**options` become the flags that any task or predictor has for this use.

    With `only` they are the flags of that kind. It receives only the flags given. Two kinds may
    not mean different things by one flag.
    """
    fields: dict[str, Any] = {}
    owners: dict[str, list[str]] = {}
    for kind, settings in _kinds(use).items():
        if only not in (None, kind):
            continue
        for name, field in settings.model_fields.items():
            known = fields.setdefault(name, field)
            assert known.annotation == field.annotation, f"--{name} differs between kinds"
            if known.default != field.default:  # what the help would say is true of one kind only
                fields[name] = FieldInfo.merge_field_infos(known, default=None)
            owners.setdefault(name, []).append(kind)
    titles = dict.fromkeys(", ".join(names) for names in owners.values())
    groups = {title: Group.create_ordered(f"For {title}") for title in titles}
    group_of = {name: groups[", ".join(kinds)] for name, kinds in owners.items()}
    flags = [flag(name, field, group_of[name], show=True) for name, field in fields.items()]
    return with_parameters(command, flags)


def _kinds(use: Use) -> dict[str, type[Options]]:
    """Each task or predictor with its settings for a use."""
    if use == "Evaluation":
        return {task.name: task.Evaluation for task in map(task_class, TASKS)}
    kinds = {name: kind_class(name) for name in KINDS}
    if use == "Prediction":
        return {name: kind.Prediction for name, kind in kinds.items()}
    return {name: kind.Streaming for name, kind in kinds.items()}
