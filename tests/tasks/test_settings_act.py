"""No setting of a text task that shapes its data or its network is ignored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import torch

from elman.data.given import Files
from elman.data.tables.asked import TableSettings
from elman.settings import configure
from elman.tasks.classify import data as classify_data
from elman.tasks.classify.sound_config import SoundConfig
from elman.tasks.runs import make, task_class
from elman.training.config import TrainingConfig, TruncatedConfig

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
    "init": "orthogonal",
    "forget_bias": 3.0,
    "chrono": 50.0,
    "recurrent_dropout": 0.1,
    "weight_dropout": 0.1,
    "zoneout": 0.1,
    "dropout": 0.15,
}
PLACED: Mapping[str, Any] = {
    "cell_zoneout": 0.1,
    "locked_dropout": False,
    "input_dropout": 0.15,
    "hidden_dropout": 0.15,
    "output_dropout": 0.15,
    "learn_initial_state": True,
}
CHANGES: Mapping[str, Mapping[str, Any]] = {
    "classify": WORDS
    | NETWORK
    | PLACED
    | {"seed": 3, "lower": False, "bidirectional": False, "pooling": "concat", "word_dropout": 0.2},
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
    "language-model": WORDS
    | NETWORK
    | PLACED
    | {"tied": False, "readout": "sampled", "init_range": 0.3, "embedding_dropout": 0.2},
}

TRAINING = {*TrainingConfig.model_fields, *TruncatedConfig.model_fields}
ELSEWHERE: Mapping[str, set[str]] = {
    "classify": {
        *TableSettings.model_fields,
        # Of audio; see classify/test_sounds.py:
        *(SoundConfig.model_fields.keys() - TrainingConfig.model_fields.keys()),
        # How rows are read:
        *("text_column", "label_column", "split_column", "label_separator", "label_first"),
        *("per_step", "skip_bad_rows", "standardize"),
        # What training starts from:
        *("vectors", "vectors_vocabulary", "from_run", "rate_decay", "unfreeze_every"),
        # The loss, and what the kept weights are best in:
        *("class_weights", "label_smoothing", "choose"),
    },
    "translation": {
        *TableSettings.model_fields,
        *("source", "target", "skip_bad_rows"),
        *("cell_zoneout",),  # of an LSTM; the base is a GRU
        *("label_smoothing", "scheduled_sampling", "sampling_steps", "batch_tokens"),
        *("bleu_tokenize",),
    },
    "language-model": {
        *("encoding", "eval_rows", "eval_tokens"),
        *("activation_penalty", "slowness_penalty"),
    },
}
"""Settings that shape neither the network nor the data of this file; the tests of what reads rows,
of the objectives and of evaluation have them."""

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
    """A digest of the prepared data, of what the predictor is, and of its first weights."""
    kind = task_class(name)
    config = configure(kind.Config, {**BASE[name], **changes})
    data = folder / "data"
    data.mkdir()
    torch.manual_seed(0)
    predictor = make(kind(config, kind.prepare(config, Files((write(folder, name),)), data)), "it")
    digest = hashlib.sha256(json.dumps(dict(predictor.parts().settings), sort_keys=True).encode())
    for path in sorted(path for path in data.rglob("*") if path.is_file()):
        digest.update(path.relative_to(data).as_posix().encode() + path.read_bytes())
    for key, weight in sorted(predictor.network.state_dict().items()):
        digest.update(f"{key} {tuple(weight.shape)}".encode() + weight.numpy().tobytes())
    return digest.hexdigest()


@pytest.mark.parametrize("name", CHANGES)
def test_every_setting_is_in_a_table(name: str) -> None:
    """A setting is changed here, or is one of training, or is said to be tested elsewhere."""
    fields = set(task_class(name).Config.model_fields)
    here, elsewhere = set(CHANGES[name]), ELSEWHERE[name]
    assert fields - TRAINING - elsewhere == here - TRAINING
    assert not here & elsewhere
    assert elsewhere <= fields


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], str]:
    """The digest of the base of a task, which is the same when it is made again."""

    @cache
    def digest(name: str) -> str:
        first, second = (made(tmp_path_factory.mktemp("a"), name, {}) for _ in range(2))
        assert first == second
        return first

    return digest


@pytest.mark.parametrize(
    ("name", "setting"), [(name, setting) for name, fields in CHANGES.items() for setting in fields]
)
def test_a_setting_changes_the_data_or_the_network(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    plain: Callable[[str], str],
    name: str,
    setting: str,
) -> None:
    monkeypatch.setattr(classify_data, "fit_baselines", lambda *args: [])
    assert made(tmp_path, name, {setting: CHANGES[name][setting]}) != plain(name)
