"""`elman data`: public data sets, and what would be read of a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from elman.data.fetch import get, list_datasets

app = App(name="data", help="See what would be read of a file; public data sets.")
app.command(
    "elman.cli.check:command", name="check", help="See what `elman train` would read of a file."
)


@app.command(name="list")
def show() -> None:
    """What `elman data get` can bring, from where, under which license."""
    for dataset in list_datasets():
        print(f"{dataset.name}\n  {dataset.what}\n  split: {dataset.split}")
        print(f"  license: {dataset.license}\n  from {dataset.origin}")


@app.command(name="get")
def bring(
    name: Annotated[str, Parameter(help="of a data set; `elman data list` names them")],
    /,
    *,
    folder: Annotated[Path, Parameter(help="where its own folder is made")] = Path("data"),
) -> None:
    """Fetch a data set from its public origin and check that it is what it was."""
    for path in get(name, folder):
        print(path)
