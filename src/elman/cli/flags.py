"""Command-line flags made from a pydantic config: one flag a field, grouped by its section.

The most used are on `--help`, all of them on `--help-all`. A flag that was not given is not
passed on, so that a config file can have its say.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from functools import wraps
from typing import Annotated, Any, get_args, get_origin

from cyclopts import Group, Parameter
from pydantic import BaseModel
from pydantic.fields import FieldInfo

Command = Callable[..., None]


def with_flags(
    command: Command, config: type[BaseModel], common: Sequence[str], *, show_all: bool
) -> Command:
    """`command`, whose `**flags` become one keyword per field of `config`.

    It receives only the flags given. The help shows the fields `common`, or all in their sections.
    """
    flags, sections = [], dict[str, Group]()
    for name in _ordered(config, common):
        field = config.model_fields[name]
        title = str(_extra(field).get("section", "Other")) if show_all else "Most used"
        group = sections.setdefault(title, Group.create_ordered(title))
        flags.append(flag(name, field, group, show=show_all or name in common))
    return with_parameters(command, flags)


def with_parameters(command: Command, added: Sequence[inspect.Parameter]) -> Command:
    """`command` with these parameters in the place of its `**keywords`."""
    own = inspect.signature(command, eval_str=True)
    kept = [p for p in own.parameters.values() if p.kind is not p.VAR_KEYWORD]

    @wraps(command)
    def with_keywords(*args: Any, **keywords: Any) -> None:
        command(*args, **keywords)

    with_keywords.__signature__ = own.replace(parameters=[*kept, *added])  # type: ignore[attr-defined]
    return with_keywords


def _ordered(config: type[BaseModel], common: Sequence[str]) -> list[str]:
    """The fields: the most used, the task's own, the network's, then training's."""
    named = [name for kind in config.__mro__ for name in inspect.get_annotations(kind)]
    fields = [name for name in named if name in config.model_fields]
    return list(dict.fromkeys([*common, *fields]))


def _extra(field: FieldInfo) -> Mapping[str, Any]:
    extra = field.json_schema_extra
    return extra if isinstance(extra, dict) else {}


def flag(name: str, field: FieldInfo, group: Group, *, show: bool) -> inspect.Parameter:
    """The field as a keyword that is None unless it was given.

    Its extra "flag" is how it is written where its name would be a word of Python's own.
    """
    default = field.get_default(call_default_factory=True)
    text = "" if default is None else _written(default)
    parameter = Parameter(
        name=_extra(field).get("flag"),
        help=field.description,
        group=group,
        show=show,
        negative_iterable=(),
        show_default=(lambda _: text) if text else False,
    )
    return inspect.Parameter(
        name,
        inspect.Parameter.KEYWORD_ONLY,
        default=None,
        annotation=Annotated[_parsed_as(field.annotation) | None, parameter],
    )


def _parsed_as(annotation: Any) -> Any:
    """The type of a flag: a list is read as words, since the config takes `7,28` apart itself."""
    parts = [annotation, *get_args(annotation)]
    parts += [get_args(part)[0] for part in parts if get_origin(part) is Annotated]
    listed = any(get_origin(part) is tuple and Ellipsis in get_args(part) for part in parts)
    return tuple[str, ...] if listed else annotation


def _written(default: object) -> str:
    """A default as it would be typed."""
    if isinstance(default, bool):
        return "on" if default else "off"
    if isinstance(default, (tuple, list)):
        return " ".join(str(item) for item in default)
    return str(default)
