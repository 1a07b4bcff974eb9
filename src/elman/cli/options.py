"""Arguments that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, TypeAlias

from cyclopts import Parameter
from cyclopts.validators import Number

from elman.errors import InputError

RunPath: TypeAlias = Annotated[Path, Parameter(help="a run directory, the --out of `elman train`")]
PredictorPath: TypeAlias = Annotated[
    Path,
    Parameter(name="RUN", help="a run directory, or the folder that a predictor was saved to"),
]
Cell: TypeAlias = Annotated[
    str | None,
    Parameter(
        help="package.module:Class of a run whose cell or encoder is your own; its code is loaded"
        " only then"
    ),
]
Device: TypeAlias = Annotated[
    str | None,
    Parameter(help="torch device; by default cpu, or that of training where a run is measured"),
]
Threads: TypeAlias = Annotated[
    int | None,
    Parameter(validator=Number(gte=1, lte=4096), help="CPU threads; by default torch's choice"),
]
Format: TypeAlias = Annotated[
    Literal["tsv", "json"], Parameter(help="columns with tabs, or one JSON object a line")
]
State: TypeAlias = Annotated[
    Path | None, Parameter(help="a file that --save-state wrote, to go on from")
]


def check_folder(flag: str, path: Path) -> None:
    """See that a file can be made at `path`, before any work is done for it."""
    if not path.absolute().parent.is_dir():
        raise InputError(f"{flag} {path}: its folder does not exist; make it first")
    if path.is_dir():
        raise InputError(f"{flag} {path}: is a folder; name a file")
