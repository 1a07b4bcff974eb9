"""No setting of a text task that shapes its data or its network is ignored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from elman.data.given import Files
from elman.settings import configure
from elman.tasks.classify import data as classify_data
from elman.tasks.runs import make, task_class

SMALL: Mapping[str, Any] = {"hidden_size": 6, "embedding_size": 5, "batch_size": 2}
BASE: Mapping[str, Mapping[str, Any]] = {
    "classify": SMALL | {"unit": "word"},
    "translation": SMALL | {"unit": "word", "encoder_size": 3},
    "language-model": SMALL | {"unit": "word", "truncation": 8},
}

WORDS: Mapping[str, Any] = {
    "unit": "char",
    "split_punctuation": False,
    "vocab_size": 8,
    "min_count": 100,
    "valid_fraction": 0.3,
    "test_fraction": 0.0,
}
NETWORK: Mapping[str, Any] = {
    "cell": "rnn",
    "hidden_size": 8,
    "embedding_size": 7,
    "num_layers": 2,
    "layer_norm": True,
}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "classify": WORDS
    | NETWORK
    | {"seed": 3, "lower": False, "bidirectional": False, "pooling": "concat"},
    "translation": WORDS
    | NETWORK
    | {
        "seed": 3,
        "vocabulary": "separate",
        "max_length": 10,
        "encoder_size": 4,
        "encoder_layers": 2,
        "attention": "additive",
        "input_feeding": True,
        "tied": "none",
    },
    "language-model": WORDS | NETWORK | {"tied": False, "readout": "sampled"},
}

LINE = "A man, (here) sees {}"
ENDS = ["Ann's dog.", "the cat!", "two well-known cats", "nothing?"]


def write(folder: Path, name: str) -> Path:
    lines = [LINE.format(ENDS[place % 4]) for place in range(80)]
    path = folder / {"language-model": "text.txt", "translation": "a.tsv"}.get(name, "a.csv")
    rows = lines
    if name == "classify":
        rows = ["text,label", *(f'"{row}",{"ab"[n % 2]}' for n, row in enumerate(lines))]
    elif name == "translation":
        rows = [f"{row}\t{' '.join(reversed(row.split()[n % 2 :]))}" for n, row in enumerate(lines)]
    path.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return path


def made(folder: Path, name: str, changes: Mapping[str, Any]) -> str:
    """A digest of the prepared data, of what the predictor is, and of the shapes of its weights."""
    kind = task_class(name)
    config = configure(kind.Config, {**BASE[name], **changes})
    data = folder / "data"
    data.mkdir()
    predictor = make(kind(config, kind.prepare(config, Files((write(folder, name),)), data)), "it")
    digest = hashlib.sha256(json.dumps(dict(predictor.parts().settings), sort_keys=True).encode())
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        digest.update(path.relative_to(data).as_posix().encode() + path.read_bytes())
    for key, weight in sorted(predictor.network.state_dict().items()):
        digest.update(f"{key} {tuple(weight.shape)}".encode())
    return digest.hexdigest()


@pytest.mark.parametrize(
    ("name", "setting"), [(name, setting) for name, fields in CHANGES.items() for setting in fields]
)
def test_a_setting_changes_the_data_or_the_network(
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    setting: str,
) -> None:
    monkeypatch.setattr(classify_data, "fit_baselines", lambda *args: [])

    def digest(changes: Mapping[str, Any]) -> str:
        return made(tmp_path_factory.mktemp("a"), name, changes)

    assert digest({}) == digest({})
    assert digest({}) != digest({setting: CHANGES[name][setting]})
