"""What can go wrong.

`InputError` is a user's mistake: its message is one line that says what, where, what was
expected and a remedy, and the command line leaves with exit code 2. `RunFailed` is a
run that could not go on, exit code 1. A broken invariant of our own is an `assert`.
"""

from __future__ import annotations

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


class RunFailed(ElmanError):
    """A run that had to stop, such as training whose loss is no longer a number."""


class ElmanWarning(UserWarning):
    """Something that went on otherwise than asked, in one line; the command line prints it so."""


def missing_extra(what: str, package: str, extra: str) -> InputError:
    """The error for `what`, which needs a package that only an extra of elman's installs."""
    return InputError(
        f'{what} needs the package {package}; install it with pip install "elman[{extra}]"'
    )
