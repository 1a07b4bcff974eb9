"""Fonts that have the characters of a figure's texts."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache

USUAL = "DejaVu Sans"
"""matplotlib's own font, which has the Latin, Greek, Cyrillic, Hebrew and Arabic scripts."""

# Has a box for every character, which tells the script and not the character.
_LAST_RESORT = "Last Resort"

_SHOWN = 5

LOG = logging.getLogger("elman")


def families_for(texts: Iterable[str], instead: str = "") -> list[str]:
    """The fonts to draw `texts` with, the usual one first, each for what those before it lack.

    Where no installed font has a character, one line is logged, with what to do `instead`.
    """
    lacking = {c for text in texts for c in text if c.isprintable() and not c.isspace()}
    families = [USUAL]
    lacking -= _characters(_path_of(USUAL))
    installed = _installed() if lacking else {}
    while lacking:
        covered = {name: len(lacking & _characters(path)) for name, path in installed.items()}
        # Of equals the first by name: variants, which may be bitmaps, have longer ones.
        best = min(covered, key=lambda name: (-covered[name], name), default="")
        if not best or not covered[best]:
            break
        families.append(best)
        lacking -= _characters(installed[best])
    if lacking:
        some = " ".join(sorted(lacking)[:_SHOWN])
        more = f" and {len(lacking) - _SHOWN} more" if len(lacking) > _SHOWN else ""
        LOG.warning(
            "no installed font has the characters %s%s, so the figure shows boxes: %s",
            *(some, more, instead or "install a font that has them, such as Noto Sans"),
        )
    return families


@contextmanager
def quiet_fonts() -> Iterator[None]:
    """Without matplotlib's remarks on the weights that a font has."""
    log = logging.getLogger("matplotlib.font_manager")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _path_of(family: str) -> str:
    from matplotlib import font_manager

    return str(font_manager.findfont(family))


def _installed() -> dict[str, str]:
    """The file of each upright font, by family; fonts installed a moment ago are among them."""
    from matplotlib import font_manager

    manager = font_manager.fontManager
    known = {entry.fname for entry in manager.ttflist}
    for path in sorted(set(font_manager.findSystemFonts()) - known):
        try:
            manager.addfont(path)
        except (OSError, RuntimeError, ValueError):
            continue  # not a font that matplotlib reads
    found: dict[str, str] = {}
    for entry in manager.ttflist:
        if entry.style == "normal" and not entry.name.startswith(_LAST_RESORT):
            found.setdefault(entry.name, entry.fname)
    return found


@cache
def _characters(path: str) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        font = FT2Font(path)
    except (OSError, RuntimeError):
        return frozenset()
    return frozenset(map(chr, font.get_charmap())) if font.scalable else frozenset()
