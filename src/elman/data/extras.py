"""Libraries of the extras, imported only where they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from elman.errors import InputError


def library(name: str, extra: str = "forecast") -> Any:
    """A module of a library that not everybody installs.

    Args:
        name: such as "pandas", or "utilsforecast.losses".
        extra: what `pip install` has to be told.

    Raises:
        InputError: it is not installed.
    """
    try:
        return import_module(name)
    except ImportError as error:
        raise InputError(
            f"this needs {name.partition('.')[0]}, which is missing; pip install 'elman[{extra}]'"
        ) from error
