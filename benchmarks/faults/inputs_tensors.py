"""Files of safetensors in the place of each that is one, with headers and metadata that lie."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import safetensors.numpy

from benchmarks.faults.inputs_files import an_array
from benchmarks.faults.mutate import mutated, some
from benchmarks.faults.outcome import Generator, Input
from elman.checksums import SEAL, seal_file
from elman.data.labeled.vectors import read_vectors
from elman.data.pairs.batching import EncodedPairs
from elman.data.series.panel import load_panel
from elman.layers.state import State
from elman.streaming.session import Snapshot
from elman.tensors import load_tree


def tensors(draw: Random) -> Input:
    """A file of safetensors, in the place of each file that is one."""
    held = {
        name: np.ascontiguousarray(an_array(draw))
        for name in draw.sample(_TENSORS, draw.randint(0, 5))
    }
    held = {
        name: each if each.dtype.kind in "fiu" and each.dtype.isnative else np.zeros(2)
        for name, each in held.items()
    }
    if draw.random() < 0.5:
        held["names"] = np.frombuffer(
            json.dumps(some(draw, (_PANEL, [], 5, {}), _PANEL)).encode(), np.uint8
        )
    tree = some(draw, _TREES, {"dict": [["model", {"dict": [["h", {"tensor": "h"}]]}]]})
    metadata = {
        "elman.tree": json.dumps([SEAL, tree]),
        "elman": some(draw, ("x",), "state"),
        "axes": json.dumps(some(draw, ({"h": 9}, {"h": "a"}, [1], {"x": 0}), {"h": 0})),
        "elman.session": json.dumps(
            some(draw, ([], {"format": 1}, {"format": 1, "axes": {"a": [["h", 0]]}}))
        ),
    }
    data = safetensors.numpy.save(held, metadata)
    if draw.random() < 0.5:
        data = mutated(draw, data, 2) if draw.random() < 0.5 else _lying_header(draw, data)
    reader = draw.choice(_READERS)

    def read(folder: Path) -> object:
        path = folder / "t.safetensors"
        if reader is load_tree and SEAL.encode() in data[:4096]:
            seal_file(path)
        (folder / "words.txt").write_text("a\nb\n", encoding="utf-8")
        return reader(path)

    return Input({"t.safetensors": data}, read)


_TENSORS = (
    "h",
    "values",
    "borders",
    "starts",
    "source",
    "source_ends",
    "target",
    "x" * 40,
    "state/a/h",
    "",
)
_PANEL = {
    "frequency": "D",
    "ids": ["a"],
    "targets": ["y"],
    "covariates": [],
    "time_zone": None,
    "missing": "mask",
}
_TREES: tuple[Any, ...] = (
    *(
        [],
        {"tensor": "no"},
        {"float": "x"},
        {"dict": [[[], 1]]},
        {"list": 5},
        {"dict": 5},
        {"x": 1},
    ),
    *(
        {"a": 1, "b": 2},
        None,
        {"dict": [["format", 1], ["model", 5]]},
        {"tensor": []},
        {"tuple": {"a": 1}},
    ),
)
_READERS = (
    load_tree,
    load_panel,
    State.load,
    EncodedPairs.load,
    Snapshot.load,
    lambda path: read_vectors(path, ["a", "b"], path.with_name("words.txt")),
)


def _lying_header(draw: Random, data: bytes) -> bytes:
    """Lengths, offsets and types that are not those of the tensors."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    names = [name for name in header if name != "__metadata__"]
    if not names or draw.random() < 0.2:
        return (
            draw.choice((0, 1, length + 1, 2**63, 2**64 - 1, 10**9)).to_bytes(8, "little")
            + data[8:]
        )
    entry = header[draw.choice(names)]
    match draw.randrange(4):
        case 0:
            entry["shape"] = draw.choice(([2**62], [2**63, 2], [-1], [], [0], [3], "x", [1.5]))
        case 1:
            entry["data_offsets"] = draw.choice(([0, 2**63], [8, 0], [0, 0], [0], [-1, 7], [0, 4]))
        case 2:
            entry["dtype"] = draw.choice(
                ("F64", "F16", "BF16", "BOOL", "F8_E4M3", "x", 5, "U8", "I64")
            )
        case _:
            header["more"] = dict(entry)
    changed = json.dumps(header).encode()
    return len(changed).to_bytes(8, "little") + changed + data[8 + length :]


KINDS: dict[str, Generator] = {"tensors": tensors}
