"""Labeled rows, sentence pairs and texts in the formats that tasks read, and broken ones."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

from benchmarks.faults.mutate import TOKENS, mutated, packed, some
from benchmarks.faults.outcome import Generator, Input
from elman.data.given import Files
from elman.data.labeled.dataset import read_labeled
from elman.data.labeled.rows import Columns
from elman.data.pairs.rows import Reader, read_sources
from elman.data.text import lines_of, resolve_sources
from elman.data.tokenizer import load_tokenizer, train_tokenizer

_WORDS = (
    "a",
    "the",
    "Köln",
    "не",
    "東京",
    "🙂",
    "don't",
    "x" * 30,
    "\u202e",
    "e\u0301",
    "1",
    "-",
    "[",
    "'",
)
_LABELS = ("pos", "neg", "1", "1.0", "nan", "", "B-LOC", "O", "a|b", '["a","b"]', "0", "true")
_NAMES = ("text", "label", "sentence", "labels", "words", "tags", "split", "source", "target", "x")
_SUFFIXES = (".csv", ".tsv", ".jsonl", ".json", ".txt", ".conll", ".ts", ".parquet", ".npz", ".xyz")
_VALUES: tuple[Any, ...] = (
    *(None, True, 0, -1.5, 1e308, 10**30, "", "x", [], {}, [1, 2, 3], [[1.0, 2.0], [3.0, 4.0]]),
    *(
        [[1], [2, 3]],
        ["a", "b"],
        {"a": {"b": []}},
        [None],
        "\ud800",
        "\0",
        [True],
        [[]],
        float("nan"),
    ),
)


def words(draw: Random, most: int = 8) -> str:
    return " ".join(draw.choice(_WORDS) for _ in range(draw.randint(0, most)))


def value(draw: Random) -> Any:
    """Something that JSON can hold."""
    return draw.choice(_VALUES) if draw.random() < 0.8 else [value(draw), value(draw)]


def json_rows(draw: Random, names: tuple[str, ...], count: int, wild: float) -> str:
    lines = []
    for _ in range(count):
        row = {name: value(draw) if draw.random() < wild else words(draw) for name in names}
        if "label" in row and draw.random() > wild:
            row["label"] = draw.choice(("pos", "neg"))
        lines.append(json.dumps(row if draw.random() > wild / 9 else value(draw)))
    return "\n".join(lines) + "\n"


def _labeled_text(draw: Random, suffix: str) -> str:
    """Rows of one format."""
    wild, count = draw.choice((0.0, 0.05, 0.4)), draw.randint(1, 24)

    def label() -> str:
        return some(draw, _LABELS, "pos", "neg", odds=wild)

    if suffix in (".jsonl", ".json"):
        return json_rows(draw, ("text", "label", *draw.sample(_NAMES, 1)), count, wild)
    if suffix == ".conll":
        rows = [
            "\n" if draw.random() < 0.2 else f"{draw.choice(_WORDS)} {label()}\n"
            for _ in range(count)
        ]
        return "".join(rows)
    if suffix == ".ts":
        head = "@problemName x\n@timeStamps false\n@classLabel true pos neg\n@data\n"
        width, steps = draw.randint(1, 3), draw.randint(1, 6)
        part = [",".join(f"{draw.gauss(0, 1):.2f}" for _ in range(steps)) for _ in range(width)]
        return head + "".join(":".join([*part, label()]) + "\n" for _ in range(count))
    if suffix == ".txt":
        return "".join(f"__label__{label()} {words(draw)}\n" for _ in range(count))
    sign = "\t" if suffix == ".tsv" else ","
    cells = draw.choice(("text", "numbers", "list", "wide"))
    head = sign.join(some(draw, _NAMES, name, odds=wild) for name in ("text", "label"))
    rows = []
    for _ in range(count):
        cell = words(draw)
        if cells == "numbers":
            cell = json.dumps([round(draw.gauss(0, 1), 2) for _ in range(draw.randint(1, 5))])
        elif cells == "list":
            cell = json.dumps(words(draw).split())
        quoted = '"' + cell.replace('"', '""') + '"'
        rows.append(
            sign.join(
                [quoted, label(), *(["1"] if cells == "wide" and draw.random() < wild else [])]
            )
        )
    return "\n".join([head, *rows][draw.random() < 0.1 :]) + "\n"


def _columns(draw: Random) -> Columns:
    names = (None, "text", "label", "1", "2", "x", "")
    return Columns(
        text=some(draw, names, None, odds=0.1),
        label=some(draw, names, None, odds=0.1),
        split=some(draw, names, None, odds=0.05),
        label_separator=some(draw, (None, "|", ",", ""), None, odds=0.1),
        per_step=draw.random() < 0.15,
    )


def _changed(draw: Random, text: str, odds: float = 0.4) -> bytes:
    data = text.encode("utf-8", "replace")
    return mutated(draw, data, 4) if draw.random() < odds else data


def labeled(draw: Random) -> Input:
    """A file, two or three of them, or a folder with a file for each sequence."""
    columns, skip = _columns(draw), draw.random() < 0.3
    suffix = some(draw, _SUFFIXES, ".csv", ".tsv", ".jsonl", ".conll", ".ts", odds=0.1)
    if draw.random() < 0.1:
        files = {
            f"d/{draw.choice('ab')}/{n}.csv": _changed(
                draw, "x,y\n" + f"{draw.gauss(0, 1)},2\n" * 4
            )
            for n in range(draw.randint(1, 6))
        }
        paths = ("d",)
    else:
        files = dict(
            packed(draw, f"{name}{suffix}", _changed(draw, _labeled_text(draw, suffix)))
            for name in ("train", "valid", "test")[: some(draw, (1, 2, 3), 1)]
        )
        paths = tuple(files)

    def read(folder: Path) -> object:
        given = Files(tuple(folder / name for name in paths))
        return read_labeled(given, columns, skip_bad_rows=skip)

    return Input(files, read)


def pairs(draw: Random) -> Input:
    """One table of pairs, or two parallel files."""
    skip, insist = draw.random() < 0.3, draw.random() < 0.7
    column = some(draw, (None, "source", "1", "x"), None, odds=0.1)
    count = draw.randint(1, 20)
    if draw.random() < 0.3:
        sides = ["".join(words(draw) + "\n" for _ in range(count)) for _ in range(2)]
        files = {
            f"{name}.txt": _changed(draw, side) for name, side in zip("ab", sides, strict=True)
        }
    else:
        suffix = some(
            draw, (".csv", ".tsv", ".jsonl", ".json", ".txt", ".dat"), ".tsv", ".jsonl", odds=0.3
        )
        if suffix.startswith(".json"):
            names = draw.choice(
                (("source", "target"), ("translation",), ("src", "tgt", "x"), ("en", "de"))
            )
            text = json_rows(draw, names, count, draw.choice((0, 0.05, 0.3)))
        else:
            sign = "," if suffix == ".csv" else "\t"
            text = "".join(f"{words(draw)}{sign}{words(draw)}\n" for _ in range(count))
        files = dict([packed(draw, f"t{suffix}", _changed(draw, text))])
    alone = draw.random() < 0.2

    def read(folder: Path) -> object:
        paths = tuple(folder / name for name in files)
        if alone:
            return list(read_sources(paths[0], column))
        return Reader(column, column and "target", insist, skip).read(Files(paths))

    return Input(files, read)


def text(draw: Random) -> Input:
    """Texts for a language model, turned into units and back; its tokenizer damaged."""
    unit = draw.choice(("char", "word", "bpe"))
    limit = some(draw, (None, 1, 5, 300), None)
    lines = "".join(
        words(draw, 20) + some(draw, ("\r\n", " ", "\r"), "\n", odds=0.1) for _ in range(60)
    )
    files = {
        some(draw, (".txt", ".md", ".hidden", ".csv"), f"{name}.txt", odds=0.1): _changed(
            draw, lines, 0.3
        )
        for name in ("train", "valid", "test")[: some(draw, (1, 2, 3), 1)]
    }
    files = dict(packed(draw, f"d/{name}", content) for name, content in files.items())
    damage = Random(draw.random())

    def read(folder: Path) -> object:
        data = resolve_sources(Files((folder / "d",)))
        tokenizer = train_tokenizer(unit, data.train.blocks(), limit)
        for block in data.valid.blocks():
            tokenizer.decode(tokenizer.encode(block))
        kept = folder / "tokenizer.json"
        kept.write_bytes(mutated(damage, tokenizer.to_bytes(), 2))
        list(lines_of(folder / "d"))
        again = load_tokenizer(kept)
        return again.decode(again.encode(lines))

    return Input(files, read)


def words_only(draw: Random) -> Input:
    """Bytes without any structure, under the name of each format."""
    name = f"t{draw.choice(_SUFFIXES)}"
    data = b"".join(
        draw.choice(TOKENS) if draw.random() < 0.7 else draw.randbytes(2) for _ in range(50)
    )

    def read(folder: Path) -> object:
        return read_labeled(Files((folder / name,)))

    return Input({name: data}, read)


KINDS: dict[str, Generator] = {
    "labeled": labeled,
    "pairs": pairs,
    "text": text,
    "noise": words_only,
}
