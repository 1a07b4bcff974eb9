"""What can go wrong.

`InputError` is a user's mistake: its message is one line that says what, where, what was
expected and a remedy, and the command line leaves with exit code 2. `RunFailed` is a
run that could not go on, exit code 1. A broken invariant of our own is an `assert`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LONGEST = 1000
"""Characters of a message."""


class ElmanError(Exception):
    """The base of every error that elman raises on its own account."""


class InputError(ElmanError, ValueError):
    """Input or usage that cannot be worked with; the message is one line with a remedy.

    Attributes:
        answers: what a session had answered to the part of a chunk before the fault.
    """

    answers: tuple[Any, ...] = ()

    def __init__(self, message: str = "") -> None:
        if len(message) > _LONGEST:  # a cell of a megabyte, say; its place and the remedy stay
            message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
        super().__init__(message)

    def __str__(self) -> str:
        """The message in the words of whoever reads it: flags for commands, arguments in Python."""
        message = super().__str__()
        return message if _commands else in_python(message)


class RunFailed(ElmanError):
    """A run that had to stop, such as training whose loss is no longer a number."""


class ElmanWarning(UserWarning):
    """Something that went on otherwise than asked, in one line; the command line prints it so."""


_commands = False
"""Whether a command is run, whose user knows flags; else a program in Python calls."""

_NAMES = {"from": "from_run", "overwrite": "overwrite=True", "help-all": "the manual"}
"""Arguments that are not called as their flags are."""

_COMMAND = re.compile(r"`elman (resume|evaluate|verify) ([^\s`]+)`|`elman (train|probe)`")
_QUOTED = re.compile(r"(`elman [^`]*`)")
_FLAG = re.compile(r"(?<![\w-])--(no-)?([a-z][a-z0-9]*(?:-[a-z0-9]+)*)(?: ([^\s:;,`]+)(?=: ))?")


@contextmanager
def command_line() -> Iterator[None]:
    """Let messages name flags, as they are written, while a command runs."""
    global _commands
    before, _commands = _commands, True
    try:
        yield
    finally:
        _commands = before


def in_python(message: str) -> str:
    """A message that names flags, as one that names arguments: `--text-column` is `text_column=`.

    What is to be typed at the command line, between backticks, stays.
    """
    message = _COMMAND.sub(_call, message)
    parts = _QUOTED.split(message)  # every second part is a command
    return "".join(part if n % 2 else _FLAG.sub(_argument, part) for n, part in enumerate(parts))


def _call(found: re.Match[str]) -> str:
    command, path, alone = found.groups()
    if alone:
        return f"elman.{alone}"
    call = f"elman.Run({path!r}).evaluate()" if command == "evaluate" else None
    return call or f"elman.{command}({path!r})"


def _argument(found: re.Match[str]) -> str:
    off, flag, value = found.groups()
    name = _NAMES.get(flag, flag.replace("-", "_"))
    if flag in _NAMES and flag != "from":
        return name if value is None else f"{name} {value}"
    return f"{name}={'False' if off else ''}{value or ''}"


def missing_extra(what: str, package: str, extra: str) -> InputError:
    """The error for `what`, which needs a package that only an extra of elman's installs."""
    return InputError(
        f'{what} needs the package {package}; install it with pip install "elman[{extra}]"'
    )
