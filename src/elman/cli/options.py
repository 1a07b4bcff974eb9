"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter

RunPath: TypeAlias = Annotated[Path, Parameter(help="a run directory, the --out of `elman train`")]
Cell: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="package.module:Class of a run whose cell is your own; its code is loaded only then"
    ),
]
Device: TypeAlias = Annotated[
    str | None, Parameter(help="torch device; by default that of training")
]
Format: TypeAlias = Annotated[
    Literal["tsv", "json"], Parameter(help="columns with tabs, or one JSON object a line")
]
