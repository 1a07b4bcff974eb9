"""Numbers as people read them: a few significant digits at any size, and p-values."""

from __future__ import annotations

import math

_SMALLEST, _LARGEST = 1e-4, 1e15


def significant(value: float, digits: int = 5) -> str:
    """A number rounded to significant digits, whole part and all: 0.31416, 1234567, 2.5000e-06.

    No digit before the decimal point is rounded away below 1e15, and powers of ten appear only
    below 1e-4 and from 1e15 on.
    """
    if not math.isfinite(value) or value == 0:
        return f"{abs(value) if value == 0 else value:.0f}"
    rounded = float(f"{value:.{digits - 1}e}")  # 9.99999 is 10.000, with one decimal less
    size = abs(rounded)
    if not _SMALLEST <= size < _LARGEST:
        return f"{value:.{digits - 1}e}"
    decimals = digits - 1 - math.floor(math.log10(size))
    return f"{value:.{max(decimals, 0)}f}"


def measured(value: float) -> str:
    """A count as it is, any other number as `significant` writes it: 18, 0.31416."""
    return f"{value:,}" if isinstance(value, int) else significant(value)


def chance(p: float) -> str:
    """A p-value in words: "p = 0.021", "p < 0.001"."""
    return "p < 0.001" if p < 0.001 else f"p = {p:.2g}"
