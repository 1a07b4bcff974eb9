"""`elman bench`: our layers beside torch.nn's, on this machine, in a minute.

Legend: T time, B batch, H hidden.
"""

from __future__ import annotations

import sys
from typing import Annotated

from cyclopts import Parameter
from cyclopts.validators import Number

from elman.errors import InputError
from elman.studies.bench import SHAPES, compare


def bench(
    *,
    repeats: Annotated[int, Parameter(help="timed rounds; the median is reported")] = 7,
    threads: Annotated[
        int, Parameter(validator=Number(gte=0, lte=4096), help="CPU threads; 0: torch's choice")
    ] = 0,
) -> None:
    """Time the layers beside torch.nn, interleaved, and say which backend served them.

    Both are given the same weights, and no speed is reported where their outputs differ.
    """
    if repeats < 1:
        raise InputError(f"--repeats {repeats}: must be at least 1")
    print("float32, milliseconds, medians; step is one time step of one stream")
    head = f"{'layer':<6}{'T':>5}{'B':>4}{'H':>5}  {'what':<8}{'elman':>9}{'torch':>9}"
    print(f"{head}  {'verdict':<13}  served by")
    for kind in ("RNN", "GRU", "LSTM"):
        for shape in SHAPES:
            for row in compare(kind, shape, repeats, threads):
                print(
                    f"{kind:<6}{shape.steps:>5}{shape.batch:>4}{shape.hidden:>5}  "
                    f"{row.what:<8}{row.ours:>9.3f}{row.theirs:>9.3f}  "
                    f"{row.verdict:<13}  {row.choice}"
                )
                sys.stdout.flush()
