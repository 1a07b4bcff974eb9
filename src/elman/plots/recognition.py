"""What a recognizer hears wrong: its commonest errors, and of which kinds they are."""

from __future__ import annotations

from pathlib import Path

from elman.evaluation.recognition import NOTHING, Errors
from elman.plots.style import BLUE, GREY, ORANGE, RED, new_figure, whole_numbers

MOST = 20
"""So many of the commonest errors are drawn."""

_LONGEST = 24


def draw_errors(errors: Errors, split: str, path: Path) -> None:
    """Draw the commonest word errors, the commonest on top."""
    common = list(errors.confusions.items())[:MOST]
    labels = [f"{_short(said)} → {_short(heard)}" for (said, heard), _ in common]
    words = errors.words
    colors = {"substituted": BLUE, "deleted": ORANGE, "inserted": RED}
    kinds = [_kind(said, heard) for (said, heard), _ in common]
    with new_figure(path, (6.4, 1.6 + 0.22 * max(len(common), 2)), labels) as figure:
        axes = figure.subplots()
        places = range(len(common))
        for kind, color in colors.items():
            rows = [place for place in places if kinds[place] == kind]
            counts = [common[place][1] for place in rows]
            total = {"substituted": words.substitutions, "deleted": words.deletions}.get(
                kind, words.insertions
            )
            axes.barh(rows, counts, color=color, label=f"{kind} ({total:,} in all)")
        axes.set_yticks(places, labels)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x")
        axes.set(
            xlabel="how often",
            title=f"{split}: said → heard; word error rate {100 * words.rate:.1f} %"
            f" of {words.units:,} words",
        )
        whole_numbers(axes)
        if common:
            axes.legend(loc="lower right")
        else:
            axes.text(0.5, 0.5, "no errors", transform=axes.transAxes, ha="center", color=GREY)


def _kind(said: str, heard: str) -> str:
    return "inserted" if said == NOTHING else "deleted" if heard == NOTHING else "substituted"


def _short(word: str) -> str:
    return word if len(word) <= _LONGEST else word[: _LONGEST - 1] + "…"
