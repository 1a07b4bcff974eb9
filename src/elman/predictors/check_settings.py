"""Whether the settings in a predictor's folder are such as a predictor writes.

They may have been changed by hand, and sealed again: a number where a switch was, a size that no
memory holds.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any

from elman.errors import InputError

_BYTES = 4  # of a weight; each unit of each layer has at least one


def check_sizes(settings: Mapping[str, Any], size: int, where: str) -> None:
    """Refuse layers that are larger than a file of weights of `size` bytes can hold.

    They are refused before they are made, which could take all memory or hours.

    Raises:
        InputError: names the setting.
    """
    for name, value in settings.items():
        is_size = name.endswith(("_size", "_layers")) and isinstance(value, int)
        if is_size and _BYTES * value > size:
            raise _changed(where, name, f"more than its weights of {size:,} bytes can have")


def check_same(read: Mapping[str, Any], made: Mapping[str, Any], where: str) -> None:
    """Refuse settings that are not those of the predictor that was made of them.

    A setting that is not there had its default when the predictor was written.

    Args:
        read: as they stand in the file.
        made: as the predictor that they gave would write them.
        where: what messages call the file.

    Raises:
        InputError: names the first setting that differs.
    """
    if (name := _altered(read, json.loads(json.dumps(made, default=str)), "")) is not None:
        raise _changed(where, name, "not such as it is written")


def _changed(where: str, name: str, what: str) -> InputError:
    return InputError(
        f"{where}: was changed: {name} is {what}; restore it from a copy, or train the run again"
    )


def _altered(read: Any, made: Any, name: str) -> str | None:
    """The name of the first value of `read` that differs from that of `made`."""
    if isinstance(read, dict) and isinstance(made, dict):
        inner = [(read[key], made.get(key, _MISSING), key) for key in read]
    elif isinstance(read, list) and isinstance(made, list) and len(read) == len(made):
        inner = [(*pair, str(place)) for place, pair in enumerate(zip(read, made, strict=True))]
    else:
        same = read == made and isinstance(read, bool) == isinstance(made, bool)
        finite = not isinstance(read, float) or math.isfinite(read)
        return None if same and finite else name
    found = (_altered(a, b, f"{name}.{key}" if name else key[:80]) for a, b, key in inner)
    return next((each for each in found if each is not None), None)


_MISSING = object()
