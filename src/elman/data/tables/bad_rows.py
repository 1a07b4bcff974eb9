"""What happens with rows that can't be read."""

from __future__ import annotations

from dataclasses import dataclass

from elman.errors import InputError


@dataclass
class BadRows:
    """Rows that can't be read: the first one is an error, or all of them are counted.

    Attributes:
        skip: count them and go on.
        remedy: what the error advises.
        count: how many there were.
    """

    skip: bool = False
    remedy: str = "correct the row, or leave such rows out with --skip-bad-rows"
    count: int = 0

    def add(self, where: str, reason: str) -> None:
        """Count a bad row at `where`, such as "reviews.csv:17", or raise InputError."""
        if not self.skip:
            raise InputError(f"{where}: {reason}; {self.remedy}")
        self.count += 1
