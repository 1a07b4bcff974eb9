"""Libraries of the extras, imported only where they are needed."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from elman.errors import missing_extra


def library(name: str, extra: str = "forecast") -> Any:
    """A module such as "pandas", of a library that `pip install elman[extra]` installs."""
    try:
        return import_module(name)
    except ImportError as error:
        raise missing_extra("this", name.partition(".")[0], extra) from error
