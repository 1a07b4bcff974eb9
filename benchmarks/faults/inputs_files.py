"""Binary files: Parquet of every type, arrays of NumPy and safetensors, and broken ones."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from benchmarks.faults.inputs_series import asked, flags
from benchmarks.faults.mutate import lying, mutated, some
from benchmarks.faults.outcome import Generator, Input
from elman.data.given import Files
from elman.data.labeled.dataset import read_labeled
from elman.data.labeled.encoded import Encoded
from elman.data.labeled.rows import Columns
from elman.data.pairs.rows import Reader
from elman.data.series.dataset import read_panel
from elman.data.tokens import open_tokens, read_counts

_DAY = datetime(2024, 3, 1)
_TYPES: tuple[tuple[str, Any, tuple[Any, ...]], ...] = (
    ("text", pa.string(), ("a", "b c", "", "東京", "1,5")),
    ("large", pa.large_string(), ("a", "NA")),
    ("view", pa.string_view(), ("a", "b")),
    ("bytes", pa.binary(), (b"a", b"\xff\0")),
    ("fixed", pa.binary(3), (b"abc",)),
    ("list", pa.list_(pa.float64()), ([1.0, 2.0], [], [None])),
    ("words", pa.list_(pa.string()), (["a", "b"], [""])),
    ("nested", pa.list_(pa.list_(pa.int8())), ([[1], [2, 3]], [[]])),
    ("square", pa.list_(pa.float32(), 2), ([1.0, 2.0],)),
    ("map", pa.map_(pa.string(), pa.int64()), ([("a", 1)], [])),
    (
        "struct",
        pa.struct([("a", pa.int64()), ("b", pa.struct([("c", pa.string())]))]),
        ({"a": 1, "b": None},),
    ),
    ("half", pa.float16(), (np.float16(1.5), np.float16("nan"))),
    ("double", pa.float64(), (1.5, -2.0, float("nan"), float("inf"), 1e308)),
    ("int", pa.int64(), (1, -5, 2**62)),
    ("unsigned", pa.uint64(), (1, 2**64 - 1)),
    ("small", pa.int8(), (1, 2)),
    ("flag", pa.bool_(), (True, False)),
    ("decimal", pa.decimal128(38, 10), (Decimal("1.5"), Decimal("1e20"))),
    ("wide", pa.decimal256(70, 2), (Decimal("1.5"),)),
    ("day", pa.date32(), (date(2024, 1, 1), date(1, 1, 1), date(9999, 1, 1))),
    ("clock", pa.time64("us"), (time(1, 2), time(23, 59))),
    ("span", pa.duration("ns"), (timedelta(days=1),)),
    ("moment", pa.timestamp("ns"), (_DAY, _DAY + timedelta(hours=5))),
    ("coarse", pa.timestamp("s"), (_DAY, datetime(9999, 1, 1), datetime(1, 1, 1))),
    ("zoned", pa.timestamp("us", "Europe/Berlin"), (_DAY, _DAY + timedelta(hours=1))),
    ("offset", pa.timestamp("ms", "+05:30"), (_DAY,)),
    ("null", pa.null(), (None,)),
    ("dictionary", pa.dictionary(pa.int8(), pa.string()), ("a", "b")),
)
_NAMES = (
    "ds",
    "y",
    "unique_id",
    "text",
    "label",
    "source",
    "target",
    "a",
    "split",
    "",
    "y ",
    "__index_level_0__",
)


def parquet_file(draw: Random) -> Input:
    """A table with columns of any type, read by each task."""
    count = some(draw, (0, 1, 500), 3, 30)
    columns: dict[str, Any] = {}
    sane = draw.random() < 0.6
    if sane:
        step = draw.choice((timedelta(days=1), timedelta(hours=1)))
        columns["ds"] = pa.array(
            [_DAY + step * n for n in range(count)],
            draw.choice((pa.timestamp("ns"), pa.timestamp("us", "UTC"))),
        )
        columns["y"] = pa.array(
            [draw.gauss(0, 1) for _ in range(count)], draw.choice((pa.float64(), pa.float32()))
        )
        columns["text"] = pa.array([draw.choice("abc") + " x" for _ in range(count)])
        columns["label"] = pa.array([draw.choice(("p", "n")) for _ in range(count)])
    for name in draw.sample(_NAMES, some(draw, range(6), 1, 2)):
        _, kind, values = draw.choice(_TYPES)
        nulls = draw.choice((0, 0, 0.2, 1))
        cells = [None if draw.random() < nulls else draw.choice(values) for _ in range(count)]
        columns[name] = pa.array(cells, kind)
    table = pa.table(columns)
    if draw.random() < 0.1 and columns:
        table = table.append_column(next(iter(columns)), table.column(0))
    sink = io.BytesIO()
    try:
        compression = draw.choice(("snappy", "zstd", "none", "gzip"))
        parquet.write_table(
            table, sink, compression=compression, row_group_size=draw.choice((1, 7, 1000))
        )
        data = sink.getvalue()
    except pa.ArrowException:
        data = b"PAR1PAR1"
    if draw.random() < 0.3:
        data = mutated(draw, data, 2) if draw.random() < 0.5 else lying(draw, data)
    reader, settings = draw.choice(("series", "labeled", "pairs")), flags(draw)

    def read(folder: Path) -> object:
        given = Files((folder / "t.parquet",))
        if reader == "series":
            return read_panel(given, asked(settings))
        if reader == "pairs":
            return Reader().read(given)
        return read_labeled(given, Columns())

    return Input({"t.parquet": data}, read)


def an_array(draw: Random) -> Any:
    shape = tuple(draw.choice((0, 1, 2, 3, 8)) for _ in range(draw.randrange(4)))
    kind = some(
        draw,
        ("f2", "f8", "i1", "u8", "?", "c8", "S3", "U2", "M8[D]", ">f4", "O", "V8"),
        "f4",
        "i8",
        odds=0.3,
    )
    values = np.arange(int(np.prod(shape))).reshape(shape)
    return values.astype(kind)


def npy(draw: Random, array: Any) -> bytes:
    """An array as NumPy writes it, with a header that may lie."""
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=True)
    data = sink.getvalue()
    if draw.random() < 0.3:
        shape = draw.choice(
            (
                "(2**40,)",
                "(99999999999999,)",
                "(-1,)",
                "(1, 2",
                "()",
                f"({2**62}, 8)",
                "(0, 99999999999)",
            )
        )
        kind = draw.choice(("<f8", "|O", "<x9", "f8,i4"))
        header = f"{{'descr': '{kind}', 'fortran_order': False, 'shape': {shape}, }}\n"
        data = (
            b"\x93NUMPY"
            + bytes([draw.choice((1, 2, 3, 9)), 0])
            + struct.pack("<H", len(header))
            + header.encode()
            + data[128:]
        )
    return mutated(draw, data, 2) if draw.random() < 0.3 else data


def npz(draw: Random) -> Input:
    """An archive of arrays, perhaps with a directory that lies."""
    sink = io.BytesIO()
    rows = draw.randint(1, 20)
    sane: dict[str, Any] = {
        "values": np.arange(rows * 6, dtype=np.float32).reshape(rows, 3, 2),
        "labels": np.arange(rows) % 2,
        "lengths": np.full(rows, 2),
    }
    with zipfile.ZipFile(
        sink, "w", draw.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))
    ) as archive:
        for name in ("values", "labels", "lengths", "offsets", "names")[: draw.randint(1, 5)]:
            array = sane[name] if name in sane and draw.random() < 0.85 else an_array(draw)
            archive.writestr(
                f"{name}.npy", npy(draw, array) if draw.random() < 0.3 else _plain(array)
            )
        if draw.random() < 0.05:
            archive.writestr(draw.choice(("more.npy", "../x.npy", "x", "/etc/x.npy")), b"x")
    data = sink.getvalue()
    if draw.random() < 0.4:
        data = mutated(draw, data, 2) if draw.random() < 0.5 else lying(draw, data)
    per_step = draw.random() < 0.2

    def read(folder: Path) -> object:
        return read_labeled(Files((folder / "t.npz",)), Columns(per_step=per_step))

    return Input({"t.npz": data}, read)


def _plain(array: Any) -> bytes:
    sink = io.BytesIO()
    np.save(sink, array, allow_pickle=True)
    return sink.getvalue()


def arrays(draw: Random) -> Input:
    """The arrays of a run's data: tokens and their counts, encoded rows."""
    names = ("tokens.npy", "steps.npy", "offsets.npy", "labels.npy")
    sane = (np.arange(9, dtype=np.uint16), np.arange(9), np.array([0, 4, 9]), np.array([0, 1]))
    files = {
        name: npy(draw, array if draw.random() < 0.7 else an_array(draw))
        for name, array in zip(names, sane, strict=True)
    }
    counts = some(
        draw,
        ({"tokens": "9"}, [], {"tokens": -1}, 1e400),
        {"tokens": 9, "characters": 9, "bytes": 9},
    )
    files["tokens.json"] = (
        mutated(draw, json.dumps(counts).encode(), 1)
        if draw.random() < 0.5
        else json.dumps(counts).encode()
    )
    which = draw.random() < 0.5

    def read(folder: Path) -> object:
        if which:
            return open_tokens(folder / "tokens.npy"), read_counts(folder / "tokens.npy")
        encoded = Encoded.open(folder, "one")
        return [encoded.row(place) for place in range(len(encoded))]

    return Input(files, read)


KINDS: dict[str, Generator] = {
    "parquet": parquet_file,
    "npz": npz,
    "arrays": arrays,
}
