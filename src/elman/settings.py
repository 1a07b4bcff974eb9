"""A validated config from what the user gave: flags, a TOML file, a mapping.

A flag beats the file. Anything unknown or out of bounds is one line that names the flag or the
key, and the nearest name that exists.
"""

import difflib
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from elman.bounds import read_settings
from elman.errors import InputError
from elman.parse import parse_toml, shown

ConfigT = TypeVar("ConfigT", bound=BaseModel)


class Options(BaseModel):
    """Options of one use of a trained network; each kind has its own.

    Each field has a description, which is what the command line's help says of its flag.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    reads: ClassVar[tuple[str, ...]] = ()
    """Fields that name a file to read, which changes the answers; other paths are written to."""


def section(title: str) -> Callable[..., Any]:
    """Makes the fields of a config that stand under one heading of the command line's help.

    A field is `setting(default, description, **bounds)` with the bounds of pydantic's `Field`, and
    `flag=` where its name would be a word of Python's own.
    """

    def setting(default: Any, description: str, *, flag: str | None = None, **bounds: Any) -> Any:
        extra: dict[str, Any] = {"section": title} | ({} if flag is None else {"flag": flag})
        return Field(default, description=description, json_schema_extra=extra, **bounds)

    return setting


def listed(value: Any) -> tuple[Any, ...]:
    """One value, words with commas between them, or a list of such, as a tuple; empty words go."""
    items = value if isinstance(value, list | tuple) else (value,)
    split = (item.split(",") if isinstance(item, str) else [item] for item in items)
    words = (word.strip() if isinstance(word, str) else word for part in split for word in part)
    return tuple(word for word in words if word != "")


OptionsT = TypeVar("OptionsT", bound=Options)
Made = TypeVar("Made")


@cache
def adapter(kind: type[Made]) -> TypeAdapter[Made]:
    """What makes a `kind` of plain values, checked; made once, since that takes milliseconds."""
    return TypeAdapter(kind)


def configure(
    config: type[ConfigT],
    flags: Mapping[str, Any],
    file: Path | None = None,
) -> ConfigT:
    """The config that `flags` and then the TOML `file` give, defaults for the rest.

    The file's keys are fields, with dashes or underscores; tables only group them. A run's own
    `config.toml` is such a file.
    """
    kept = _read(file) if file is not None else {}
    return validated(config, kept, flags, str(file))


def validated(
    config: type[ConfigT], kept: Mapping[str, Any], flags: Mapping[str, Any], where: str
) -> ConfigT:
    """The config of the values `kept`, which were read from `where`, and of `flags` over them."""
    values: dict[str, Any] = {}
    for key, value in kept.items():
        name = key.replace("-", "_")
        if name not in config.model_fields:
            raise InputError(f"{where}: unknown key {key!r}{_nearest(name, config)}")
        if name in values:
            raise InputError(f"{where}: {key!r} is there twice; keep one")
        values[name] = value
    for name in flags:
        if name not in config.model_fields:
            raise InputError(f"{_flag(name)}: no such setting{_nearest(name, config, flag=True)}")
    try:
        return config.model_validate({**values, **flags})
    except ValidationError as error:
        raise InputError(_line(error, flags, where)) from error


def _read(file: Path) -> dict[str, Any]:
    try:
        text = read_settings(file).decode("utf-8")
    except InputError:
        raise
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise InputError(f"--config {file}: can't be read ({reason}); give a TOML file") from error
    try:
        tree = parse_toml(text)
    except ValueError as error:
        raise InputError(f"--config {file}: not TOML: {error}") from error
    tree.pop("elman", None)  # the table in which a run records its task and version
    values: dict[str, Any] = {}
    for key, value in _flatten(tree):
        if key in values:
            raise InputError(f"{file}: {key!r} is there twice; keep one")
        values[key] = value
    return values


def _flatten(tree: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        yield from _flatten(value) if isinstance(value, dict) else [(key, value)]


def _nearest(name: str, config: type[BaseModel], *, flag: bool = False) -> str:
    near = difflib.get_close_matches(name, config.model_fields, n=1)
    if not near:
        return "; see --help-all"
    return f"; did you mean {_flag(near[0]) if flag else repr(near[0].replace('_', '-'))}?"


def _line(error: ValidationError, flags: Mapping[str, Any], where: str) -> str:
    """The first complaint of pydantic's, as one line in the user's words."""
    first = error.errors(include_url=False)[0]
    reason = str(first["msg"]).removeprefix("Value error, ")
    if not first["loc"]:
        return reason
    name = str(first["loc"][0])
    lower = reason[0].lower() + reason[1:]
    if name in flags:
        given = first["input"] if isinstance(first["input"], str) else shown(first["input"])
        return f"{_flag(name)} {given[:200]}: {lower}"
    return f"{where}: {name.replace('_', '-')} = {shown(first['input'])}: {lower}"


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")
