"""The style of all figures: colors, matplotlib's settings, and how a figure becomes a file."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

from elman.errors import InputError, missing_extra
from elman.files import atomic_path
from elman.plots.fonts import families_for, quiet_fonts

# Okabe and Ito's palette, which color-blind people can tell apart. Curves differ in their line
# style or marker as well.
BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
SKY, PURPLE, BLACK = "#56B4E9", "#CC79A7", "#000000"
INK, GREY, LIGHT = "#2b2f36", "0.35", "0.9"
SUFFIXES = (".png", ".svg", ".pdf")

_SETTINGS: Any = {
    "figure.constrained_layout.use": True,
    "savefig.dpi": 130,
    "font.size": 9,
    "text.color": INK,
    "text.parse_math": False,  # text from data is text
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.labelsize": 8.5,
    "axes.labelcolor": GREY,
    "axes.edgecolor": "0.7",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "grid.color": LIGHT,
    "xtick.labelsize": 8,
    "ytick.labelsize": 8,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "xtick.major.size": 0,
    "ytick.major.size": 0,
    "xtick.minor.size": 0,
    "ytick.minor.size": 0,
    "legend.framealpha": 0.8,
    "legend.edgecolor": "none",
    "legend.fontsize": 8,
}


def is_available() -> bool:
    """Whether matplotlib is installed."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        return False
    return True


def check_figure(path: Path) -> None:
    """Check that a figure can be drawn to `path`, before the work that leads to it."""
    if path.suffix.lower() not in SUFFIXES:
        raise InputError(f"{path}: the name of a figure must end in {', '.join(SUFFIXES)}")
    if not is_available():
        raise missing_extra("a figure", "matplotlib", "plot")


@contextmanager
def new_figure(
    to: Path | IO[bytes],
    size: tuple[float, float] = (7.6, 4.0),
    texts: Iterable[str] = (),
    instead: str = "",
) -> Iterator[Any]:
    """A figure of `size` in inches to draw on, which is written to `to` at the end of the block.

    `to` is a path, whose suffix tells the format, or a file for a PNG. The fonts have what the
    user's `texts` need, if installed; `instead` says what to do where none has.
    """
    try:
        from matplotlib import rc_context
        from matplotlib.figure import Figure
    except ImportError as error:
        raise missing_extra("a figure", "matplotlib", "plot") from error
    families = families_for(texts, instead)
    with (
        quiet_fonts(),
        rc_context(_SETTINGS | {"font.family": families}),
        warnings.catch_warnings(),
    ):
        # Characters that no font has are drawn as boxes, which `families_for` says.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure = Figure(figsize=size)
        yield figure
        if isinstance(to, Path):
            with atomic_path(to) as partial:
                figure.savefig(partial, format=to.suffix[1:].lower())
        else:
            figure.savefig(to, format="png")


def label_line(axes: Any, level: float, text: str, *, below: bool = False) -> None:
    """Draw a horizontal line with its meaning at the right end."""
    axes.axhline(level, color=GREY, linewidth=0.8)
    shift = -9 if below else 3
    axes.annotate(
        text, (1, level), xycoords=("axes fraction", "data"), xytext=(-3, shift),
        textcoords="offset points", ha="right", fontsize=8, color=GREY,
    )  # fmt: skip


def log_scale(axes: Any, name: Literal["x", "y"]) -> None:
    """Make an axis logarithmic, with plain numbers as labels."""
    getattr(axes, f"set_{name}scale")("log")
    axis = getattr(axes, f"{name}axis")

    def between(value: float, place: int | None) -> str:
        low, high = axis.get_view_interval()
        return f"{value:g}" if high < 10 * low else ""  # a decade or more has powers of ten

    axis.set_major_formatter(lambda value, place: f"{value:g}")
    axis.set_minor_formatter(between)


def whole_numbers(axes: Any, name: Literal["x", "y"] = "x") -> None:
    """Put the ticks of an axis on whole numbers."""
    getattr(axes, f"{name}axis").get_major_locator().set_params(integer=True)
