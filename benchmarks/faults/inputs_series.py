"""Tables of time series in the habits that people and programs have, and broken ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faults.mutate import mutated, packed, some
from benchmarks.faults.outcome import Generator, Input
from elman.data.given import Files
from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.settings import adapter, validated
from elman.tasks.forecast.config import ForecastConfig

_STEPS = {
    "D": timedelta(days=1),
    "h": timedelta(hours=1),
    "15min": timedelta(minutes=15),
    "W": timedelta(days=7),
    "2h": timedelta(hours=2),
    "s": timedelta(seconds=1),
    "month": timedelta(days=31),
    "ms": timedelta(milliseconds=10),
}
_DATES = (
    *("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y", "%d.%m.%Y %H:%M", "%m/%d/%Y"),
    *("%d/%m/%Y %H:%M:%S", "%Y%m%d", "%Y%m%d%H%M%S", "%Y/%m/%d", "%d-%b-%Y", "%b %d, %Y", "%B %Y"),
    *("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%d %H:%M:%S+01", "%Y-%m-%d %H:%M+01:00", "%Y-%m-%d %H:%M UTC"),
    *("%Y-W%W", "%Y%W", "%Y-%j", "%Y", "%Y-%m", "%d.%m.%y", "%y%m%d", "%I:%M %p %d/%m/%Y", "%YQ1"),
    *(
        "%Y-%m-%d %H:%M:%S.%f",
        "%a %d %b %Y",
        "%H:%M",
        "%Y年%m月%d日",
        "%s",
        "count",
        "%Y-%m-%d24:00",
    ),
)
_TIME_NAMES = ("ds", "date", "Date", "Datum", "timestamp", "time", "Zeit", "", "t", "month", "x")
_TARGET_NAMES = ("y", "value", "target", "Wert", "sales, net", "Close", "", "mean", "y ", "ÿ", "1")
_KEYS = ("unique_id", "store", "item_id", "Region", "State", "Symbol")
_MISSING = ("", "NA", "nan", "-", "?", "null", "#N/A", "NaN", "None", "n/a", ".", "-999", "inf")
_FLAGS: dict[str, tuple[Any, ...]] = {
    "time": ("ds", "Date", "date,time", "y", "nothing"),
    "series": ("unique_id", "Region,State", "store", "y", "ds"),
    "target": ("y", "*", "y,value", "Wert", "nothing", "ds"),
    "static": ("store", "y"),
    "past": ("a", "b", "y"),
    "future": ("a", "event", "b,event"),
    "frequency": ("h", "D", "MS", "B", "W-SUN", "15min", "steps", "x", "0D", "9" * 30 + "h", "Y"),
    "time_zone": (
        "Europe/Berlin",
        "UTC",
        "Mars/Base",
        "America/New_York",
        "../../etc/passwd",
        "\0",
    ),
    "missing": ("refuse", "forward", "interpolate", "zero", "mask"),
    "duplicates": ("refuse", "first", "last", "mean"),
    "constant": ("refuse", "drop", "keep"),
    "dates": ("day-first", "month-first", "year-week", "%d.%m.%Y", "%Y-%m-%d", "%", "%Q", "%H"),
    "delimiter": (",", ";", "tab", "|", " ", "xx", "\n"),
    "decimal": (",", ".", "x"),
    "thousands": (",", ".", " ", "'"),
    "encoding": ("utf-8", "latin-1", "cp1252", "utf-16", "base64", "nothing", "idna", "utf-7"),
    "missing_values": ("?", "-", "NA,-999", "", "y"),
}


@dataclass(frozen=True)
class _Way:
    """How a table is written."""

    delimiter: str
    decimal: str
    thousands: str
    dates: str
    quoted: bool
    missing: str
    newline: str
    wild: float


def flags(draw: Random) -> dict[str, Any]:
    """Some settings of the task, some of them right."""
    known = [name for name in _FLAGS if name in ForecastConfig.model_fields]
    count = some(draw, range(6), 0, 0, 1, odds=0.15)
    return {name: draw.choice(_FLAGS[name]) for name in draw.sample(known, count)}


def asked(settings: dict[str, Any]) -> Columns:
    """What the task makes of its settings."""
    config = validated(ForecastConfig, {}, {"horizon": 2, **settings}, "flags")
    return adapter(Columns).validate_python(config.model_dump())


def table_text(draw: Random) -> str:
    """A table: long or wide, or with a series a row."""
    wild = draw.choice((0.02, 0.1, 0.5))  # how often something is not as usual
    way = _Way(
        some(draw, (",", ";", "\t", "|", " ", ":"), ",", ",", ";", "\t", odds=wild),
        some(draw, ".,", ".", odds=wild),
        some(draw, ("", ",", ".", " ", "'", "\u202f"), "", "", odds=wild / 2),
        some(draw, _DATES, *_DATES[:4], odds=wild),
        draw.random() < 0.3,
        some(draw, _MISSING, "", "", odds=wild),
        some(draw, ("\n", "\r\n", "\r", "\n\n"), "\n", odds=wild / 2),
        wild,
    )
    rows = _series_a_row(draw, way) if draw.random() < 0.1 else _rows(draw, way)
    if draw.random() < wild / 2:
        _untidy(draw, rows)
    lines = [way.delimiter.join(_cell(draw, cell, way) for cell in row) for row in rows]
    head = some(draw, ("sep=;", "# exported", "", "Title", "a;b"), odds=0.5)
    if draw.random() < wild / 8:
        lines.insert(0, head)
    return way.newline.join(lines) + some(draw, ("", way.newline * 3), way.newline, odds=0.2)


def _rows(draw: Random, way: _Way) -> list[list[str]]:
    steps = some(draw, range(50), 8, 14, odds=0.2)
    keys = some(draw, range(4), 0, 1)
    series = draw.randint(1, 4) if keys else 1
    targets, more = some(draw, range(5), 1, odds=way.wild), some(draw, range(4), 0)
    step = _STEPS[some(draw, tuple(_STEPS), "D", "h")]
    start = datetime(some(draw, (1970, 1600, 2262), 2024, 1999, odds=way.wild / 3), 3, 1)
    split = draw.random() < way.wild / 4
    times = ["date", "time"] if split else [some(draw, _TIME_NAMES, "ds", "Date", odds=way.wild)]
    names = [*times, *_KEYS[:keys], *_targets(draw, targets, way)]
    names += ["a", "event", "b"][:more]
    rows = [] if draw.random() < way.wild / 5 else [names]
    for number in range(series):
        for place in range(steps):
            moment = start + step * place if start.year < 2262 or place < 3 else start
            when = (
                [f"{moment:%d.%m.%Y}", f"{moment:%H:%M}"] if split else [_time(moment, place, way)]
            )
            key = [f"{name[0]}{number:02}" for name in _KEYS[:keys]]
            cells = [_number(draw, way) for _ in range(targets)]
            cells += [_number(draw, way), some(draw, ("", "fair", "NA", "x y")), "1"][:more]
            rows.append([*when, *key, *cells])
    return rows


def _targets(draw: Random, count: int, way: _Way) -> list[str]:
    if draw.random() < way.wild:
        return [draw.choice(_TARGET_NAMES) for _ in range(count)]
    return list(_TARGET_NAMES[:count])


def _series_a_row(draw: Random, way: _Way) -> list[list[str]]:
    steps, start = draw.randint(2, 40), datetime(2024, 1, 1)
    when = [_time(start + timedelta(days=place), place, way) for place in range(steps)]
    named = draw.random() < 0.7
    rows = [[some(draw, ("", "id", "V1", "series")), *(when if named else _numbered(steps))]]
    return rows + [
        [
            f"T{n}",
            *(_number(draw, way) for _ in range(draw.randint(steps - 3, steps) if n else steps)),
        ]
        for n in range(draw.randint(1, 5))
    ]


def _numbered(steps: int) -> list[str]:
    return [f"V{place + 2}" for place in range(steps)]


def _time(moment: datetime, place: int, way: _Way) -> str:
    if way.dates == "count":
        return str(place)
    return str(int(moment.timestamp())) if way.dates == "%s" else moment.strftime(way.dates)


def _number(draw: Random, way: _Way) -> str:
    kind = draw.random() / way.wild
    if kind < 0.1:
        return way.missing
    if kind < 0.12:
        return some(draw, ("1e400", "inf", "-", "1 234", "12 %", "$5", "(3.1)", "1e-320", "x"))
    text = f"{draw.gauss(0, 10 ** draw.randint(0, 5)):.{draw.choice((0, 2, 2, 5))}f}"
    whole, _, rest = text.partition(".")
    if way.thousands:
        whole = f"{int(whole):,}".replace(",", way.thousands)
    return f"{whole}{way.decimal}{rest}" if rest else whole


def _cell(draw: Random, cell: str, way: _Way) -> str:
    if way.quoted or (way.delimiter in cell and draw.random() < 0.9):
        return '"' + cell.replace('"', '""') + '"'
    return cell


def _untidy(draw: Random, rows: list[list[str]]) -> None:
    """What is wrong with rows: ragged, doubled, in another order, a total, a long cell."""
    for _ in range(draw.randint(1, 3)):
        if not rows:
            return
        place = draw.randrange(len(rows))
        match draw.randrange(9):
            case 0:
                rows[place] = rows[place][: draw.randrange(len(rows[place]) + 1)]
            case 1:
                rows[place] = [*rows[place], some(draw, ("5", "", "x"))]
            case 2:
                rows.insert(draw.randrange(len(rows)), list(rows[place]))
            case 3:
                rows[1:] = draw.sample(rows[1:], len(rows) - 1)
            case 4:
                rows.append(["Total", *rows[place][1:]])
            case 5:
                rows[place] = ["x" * draw.choice((10**3, 10**5, 10**6)), *rows[place][1:]]
            case 6:
                rows[:] = [[*row, ""] for row in rows]
            case 7:
                rows.insert(place, ["", *["" for _ in rows[place][1:]]])
            case _:
                rows[place] = [draw.choice(_MISSING) for _ in rows[place]]


def _encoded(draw: Random, text: str) -> bytes:
    encoding = some(draw, ("utf-8-sig", "utf-16", "latin-1", "cp1252", "utf-32"), "utf-8", odds=0.1)
    return text.encode(encoding, "replace")


def series(draw: Random) -> Input:
    """One table, or two to be read as one, with some flags."""
    name = some(draw, ("t.csv", "t.tsv", "t.tab", "t.CSV", "t.txt", "t.dat"), "t.csv", odds=0.2)
    data = _encoded(draw, table_text(draw))
    if draw.random() < 0.3:
        data = mutated(draw, data, 3)
    name, data = packed(draw, name, data)
    files = {name: data}
    if draw.random() < 0.05:
        files[f"more-{name}"] = data if draw.random() < 0.5 else mutated(draw, data)
    settings = flags(draw)

    def read(folder: Path) -> object:
        paths = tuple(sorted(folder / each for each in files))
        return read_panel(Files(paths), asked(settings))

    return Input(files, read, first_check="read_table")


KINDS: dict[str, Generator] = {"series": series}
