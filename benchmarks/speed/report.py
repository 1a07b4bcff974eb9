"""What the matches of one mode say, as Markdown: a table for each number of threads, and means."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.results import table
from benchmarks.speed.bound import DEFINITION
from benchmarks.speed.cells import (
    BF16,
    BF16_HIDDEN,
    CELLS,
    NOT_SLOWER,
    RAGGED,
    TARGETS,
    Mode,
)
from benchmarks.speed.match import FP32, FULL
from benchmarks.speed.peers import OURS, PEERS, TORCH
from benchmarks.speed.records import Match, Timing
from benchmarks.speed.summary import geometric_mean

WIDE = 0.3
DROP_IN = f"{OURS}-forward"
MEANS: Mapping[Mode, float] = {"train": 2.0, "infer": 1.8, "step": 4.0}
"""How many times torch.nn's speed ours must have, as a geometric mean over the cells of a mode."""
UNITS: Mapping[Mode, tuple[str, float]] = {"train": ("ms", 1e3), "infer": ("ms", 1e3)}
MICRO = ("µs", 1e6)


LEGEND = """\
Medians over rounds in which everyone takes a turn (A B C A B C …), each in a process of its own
that is idle, its threads at rest, while the others are timed. Weights, inputs and outputs are the
same: results, and in training the gradients of the input and of every weight, were compared with
a plain loop in double precision first. Bold: the best peer. `~`: the distance of the quartiles is
more than 30 % of the median. "ours / best" is the median of the ratios within each round. jax is
lax.scan with the best of three unrollings; jax-sync has asynchronous dispatch turned off; torch is
torch.nn's layer, called for a step with T = 1; elman in a step is `layer.step`, and elman-forward
the layer called as torch's. A step begins with the same memory at every call."""


def body(mode: Mode, matches: Sequence[Match]) -> str:
    """The section of a mode, its matches in the order of the table of cells."""
    ordered = sorted(matches, key=lambda match: (match.threads, CELLS.index(match.cell)))
    parts = []
    for threads in sorted({match.threads for match in ordered}):
        here = [match for match in ordered if match.threads == threads]
        full = [match for match in here if not match.cell.ragged]
        single = [match for match in full if match.dtype == "fp32"]
        half = [match for match in full if match.dtype == "bf16"]
        blocks = [
            comparison(single),
            means(mode, single),
            _headed("bf16", comparison(half)),
            _headed("Ragged batches", ragged([match for match in here if match.cell.ragged])),
        ]
        title = f"### {threads} {'thread' if threads == 1 else 'threads'}"
        parts.append("\n\n".join([title, *filter(None, blocks)]))
    parts += [absences(ordered), LEGEND, DEFINITION, _circumstances(ordered)]
    return "\n\n".join(filter(None, parts))


def _headed(title: str, text: str) -> str:
    return f"#### {title}\n\n{text}" if text else ""


def comparison(matches: Sequence[Match]) -> str:
    """One row a cell: the bound, everyone's time, and how ours stands; "" for no rows."""
    if not matches:
        return ""
    labels = [label for label in (*PEERS, FP32) if any(label in match.timings for match in matches)]
    others = [label for label in labels if label != OURS]
    unit, _ = UNITS.get(matches[0].cell.mode, MICRO)
    columns = ["cell", f"bound, {unit}", OURS, *others]
    columns += ["ours / bound", "ours / best", "aim", "verdict"]
    return table(columns, [_row(match, others) for match in matches])


def _row(match: Match, others: Sequence[str]) -> list[str]:
    _, scale = UNITS.get(match.cell.mode, MICRO)
    timed = match.timed()
    best = best_peer(match)
    shown = [
        time_of(match.timings.get(label), scale, bold=label == best) for label in (OURS, *others)
    ]
    start = [f"{match.cell.kind} {match.cell.shape}", number(match.bound * scale), *shown]
    if OURS not in timed:
        return [*start, "–", "–", _aim(match), "not measured"]
    times = f"{timed[OURS].median / match.bound:.2f}"
    beside = "–" if best is None else f"{match.ratio(OURS, best):.2f} {best}"
    return [*start, times, beside, _aim(match), verdict(match)]


def best_peer(match: Match) -> str | None:
    """The fastest that is not ours."""
    peers = {label: t.median for label, t in match.timed().items() if not label.startswith(OURS)}
    return min(peers, key=peers.__getitem__) if peers else None


def _aim(match: Match) -> str:
    target = TARGETS.get((match.cell, match.threads)) if match.dtype == "fp32" else None
    return "–" if target is None else f"≤ {target:g} × bound"


def verdict(match: Match) -> str:
    """What was missed, if anything: the multiple of the bound, the best peer, bf16's gain."""
    missed = []
    ours = match.timed()[OURS]
    target = TARGETS.get((match.cell, match.threads)) if match.dtype == "fp32" else None
    if target is not None and ours.median > target * match.bound:
        missed.append(f"{target:g} × bound")
    best = best_peer(match)
    if best is not None and match.ratio(OURS, best) > NOT_SLOWER:
        missed.append(f"slower than {best}")
    if FP32 in match.timed() and match.cell.hidden >= BF16_HIDDEN:
        gain = match.ratio(OURS, FP32)
        if gain > BF16:
            missed.append(f"{gain:.2f} of fp32's time, not {BF16:g}")
    return f"missed: {'; '.join(missed)}" if missed else "met"


def time_of(timing: Timing | None, scale: float, *, bold: bool = False) -> str:
    """A median; `~` for a wide spread, "–" for none."""
    if timing is None or not timing.seconds:
        return "–"
    text = number(timing.median * scale) + ("~" if timing.spread > WIDE else "")
    return f"**{text}**" if bold else text


def number(value: float) -> str:
    """Three digits that count, and no more."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def means(mode: Mode, matches: Sequence[Match]) -> str:
    """torch.nn over ours as a geometric mean, beside the aim; "" where nothing can be said."""
    lines = []
    for label in (OURS, DROP_IN):
        ratios = [
            match.ratio(TORCH, label) for match in matches if {label, TORCH} <= set(match.timed())
        ]
        if ratios:
            mean = geometric_mean(ratios)
            # What replaces torch.nn without a changed line is forward, for a step too.
            decides = mode != "step" or label == DROP_IN
            aim = f", aim {MEANS[mode]:g}: {'met' if mean >= MEANS[mode] else 'missed'}"
            lines.append(
                f"torch.nn / {label}, geometric mean over {len(ratios)} cells:"
                f" **{mean:.2f}**{aim if decides else ''}."
            )
    return "\n".join(lines)


def ragged(matches: Sequence[Match]) -> str:
    """The ragged batches beside the full ones; "" for no rows."""
    rows = []
    for match in matches:
        if not {OURS, FULL} <= set(match.timed()):
            continue
        _, scale = UNITS.get(match.cell.mode, MICRO)
        ratio = match.ratio(OURS, FULL)
        part = sum(match.cell.lengths) / (match.cell.steps * match.cell.batch)
        cells = [f"{match.cell.kind} {match.cell.shape}", f"{part:.2f}"]
        cells += [time_of(match.timings[label], scale) for label in (FULL, OURS)]
        missed = ratio > RAGGED
        rows.append([*cells, f"{ratio:.2f}", f"≤ {RAGGED:g}", "missed" if missed else "met"])
    columns = ["cell", "real steps", "full, ms", "ragged, ms", "ratio", "aim", "verdict"]
    return table(columns, rows) if rows else ""


def absences(matches: Sequence[Match]) -> str:
    """Why a contestant has no time, each reason once."""
    reasons: dict[tuple[str, str], list[str]] = {}
    for match in matches:
        for label, timing in match.timings.items():
            if timing.reason:
                where = f"{match.cell.kind} {match.cell.shape}, {match.threads} thr, {match.dtype}"
                reasons.setdefault((label, timing.reason), []).append(where)
    if not reasons:
        return ""
    lines = [
        f"- {label}: {reason} ({places[0] if len(places) == 1 else f'{len(places)} rows'})"
        for (label, reason), places in reasons.items()
    ]
    return "Where there is no time (–):\n\n" + "\n".join(lines)


def _circumstances(matches: Sequence[Match]) -> str:
    """When, of what, on what and with what these matches were measured."""
    newest = max(matches, key=lambda match: match.date)
    versions: dict[str, str] = {}
    for match in matches:
        versions |= match.versions
    rounds = sorted({len(timing.seconds) for match in matches for timing in match.timed().values()})
    parts = [
        _from_to(sorted(match.date[:10] for match in matches)),
        f"commit {', '.join(sorted({match.commit for match in matches}))}",
        newest.processor,
        f"{_from_to(rounds)} rounds",
        ", ".join(f"{name} {version}" for name, version in sorted(versions.items())),
    ]
    return f"One core, measured in the same run: {newest.machine}.\n\n{' · '.join(parts)}"


def _from_to(values: Sequence[object]) -> str:
    """The first and the last of sorted values, or the only one."""
    return " to ".join(dict.fromkeys(str(end) for end in (*values[:1], *values[-1:])))
