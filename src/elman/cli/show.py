"""`elman show RUN [--text TEXT | --audio FILE | --video FILE]`: the states as a network reads."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter
from cyclopts.validators import Number
from rich.console import Console

from elman.cli.heatmap import Picture, play, write_lines
from elman.cli.options import Cell, Device, RunPath, Threads, check_folder
from elman.diagnostics.activations import BY_CHANGE, BY_TIME_CONSTANT, REVERSED, Activations, Panel
from elman.errors import InputError
from elman.files import write_text
from elman.machine import use_threads
from elman.plots.activations_page import page
from elman.plots.hearing import draw_hearing
from elman.plots.style import check_figure
from elman.tasks.runs import Run

ORDERS = {"time-constant": BY_TIME_CONSTANT, "change": BY_CHANGE, "network": "place in the network"}


def show(
    run: RunPath,
    /,
    *,
    text: Annotated[
        str | None,
        Parameter(help="what is read; a run on numbers reads a sequence of its own data"),
    ] = None,
    audio: Annotated[
        Path | None,
        Parameter(help="the recording that is heard; by default one of the run's own data"),
    ] = None,
    video: Annotated[
        Path | None,
        Parameter(help="the video that is seen; by default a clip of the run's own data"),
    ] = None,
    html: Annotated[
        Path | None, Parameter(help="write a page to look into with the mouse, and nothing else")
    ] = None,
    plot: Annotated[
        Path | None,
        Parameter(help="draw what a network hears, its states and what comes out (.png, .svg)"),
    ] = None,
    values: Annotated[
        str, Parameter(help="what the map shows: h, c, or a gate such as forget or update")
    ] = "h",
    layer: Annotated[
        int | None, Parameter(help="0 is the one above the input; by default the last")
    ] = None,
    reverse: Annotated[
        bool, Parameter(help="the direction that reads from the end", negative=())
    ] = False,
    order: Annotated[
        Literal["time-constant", "change", "network"] | None,
        Parameter(help="of the units; by default time-constant where there are gates, or change"),
    ] = None,
    speed: Annotated[
        float, Parameter(validator=Number(gte=0), help="tokens a second; 0: the end at once")
    ] = 20.0,
    device: Device = None,
    threads: Threads = None,
    cell: Cell = None,
) -> None:
    """See the hidden state, the gates and the guesses while a network reads, hears or sees.

    On a terminal a heat map runs along: time from left to right, a row is a unit (τ: the steps
    until it has lost all but 1/e). Elsewhere there is a line for each token.
    """
    use_threads(threads)
    if html is not None:
        check_folder("--html", html)
    if plot is not None:
        check_folder("--plot", plot)
        check_figure(plot)
    given = {"--text": text, "--audio": audio, "--video": video}
    flags = [flag for flag, value in given.items() if value is not None]
    if len(flags) > 1:
        raise InputError(f"{' and '.join(flags)}: a network reads, hears or sees; give one of them")
    opened = Run(run, cell=cell, device=device)
    found = opened.activations(given[flags[0]] if flags else None)
    picture = pick(found, values, layer, order, reverse=reverse)
    if plot is not None:
        if found.heard is None:
            raise InputError(
                "--plot: draws what a network hears; take --html for other networks, or of a video"
                " elman predict RUN CLIP --plot"
            )
        draw_hearing(plot, found, picture.panel, picture.by)
        print(plot)
    if html is not None:
        write_text(html, page(found))
        print(f"{html}: {html.stat().st_size / 1e3:,.0f} kB, {len(found.steps):,} steps")
    if plot is None and html is None:
        present(picture, speed)


def present(picture: Picture, speed: float) -> None:
    """Play it on a terminal; write a line for each step elsewhere."""
    if sys.stdout.isatty():
        play(picture, Console(file=sys.stdout), speed)
    else:
        write_lines(picture, sys.stdout)


def pick(
    found: Activations,
    values: str = "h",
    layer: int | None = None,
    order: str | None = None,
    *,
    reverse: bool = False,
) -> Picture:
    """The panel that was asked for, in the order that was asked for."""
    layers = [name for name in found.layers if name.endswith(REVERSED) == reverse]
    if not layers:
        raise InputError("--reverse: the network reads in one direction only; leave it out")
    if layer is not None and not 0 <= layer < len(layers):
        raise InputError(f"--layer {layer}: the last layer is {len(layers) - 1}, the first 0")
    name = layers[-1 if layer is None else layer]
    panels: dict[str, Panel] = {p.key: p for p in found.panels if p.layer == name}
    # A cell of one's own need not call its state h.
    key = next(iter(panels)) if values == "h" and "h" not in panels else values
    if key not in panels:
        raise InputError(f"--values {values}: {name} has {', '.join(panels)}")
    panel = panels[key]
    if order == "time-constant" and BY_TIME_CONSTANT not in panel.orders:
        raise InputError(f"--order {order}: {name} has no gate that keeps; take change")
    by = next(iter(panel.orders)) if order is None else ORDERS[order]
    return Picture(found, panel, by)
