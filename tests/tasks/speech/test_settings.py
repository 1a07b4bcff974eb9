"""No setting of a recognizer that shapes its data, its network or its batches is ignored."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from elman.data.audio.settings import AudioSettings
from elman.data.tables.asked import TableSettings
from elman.settings import configure
from elman.tasks.runs import make
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.speech.task import SpeechTask
from elman.training.config import TrainingConfig
from tests import toy_speech

BASE: Mapping[str, Any] = {
    "bins": 8,
    "hidden_size": 4,
    "num_layers": 1,
    "batch_size": 3,
    "speeds": (0.9, 1.0),
    "time_width": 9,
    "tail": 0.1,
}
CHANGES: Mapping[str, Any] = {
    # The data.
    "valid_fraction": 0.3,
    "test_fraction": 0.0,
    "unit": "bpe",
    "vocab_size": 4,
    "min_count": 1000,
    "lower": True,
    "punctuation": False,
    "rate": 6000,
    "bins": 9,
    "frame_length": 0.03,
    "frame_shift": 0.011,
    "low": 60.0,
    "high": -400.0,
    "tail": 0.2,
    "keep": "samples",
    # The network.
    "window": 5,
    "stride": 2,
    "encoder": "conv",
    "cell": "rnn",
    "hidden_size": 5,
    "num_layers": 2,
    "bidirectional": False,
    "layer_norm": True,
    "init": "orthogonal",
    "forget_bias": 3.0,
    "chrono": 50.0,
    "recurrent_dropout": 0.1,
    "weight_dropout": 0.1,
    "zoneout": 0.1,
    "cell_zoneout": 0.1,
    "dropout": 0.15,
    "locked_dropout": False,
    "input_dropout": 0.15,
    "hidden_dropout": 0.15,
    "output_dropout": 0.15,
    "learn_initial_state": True,
    # The batches.
    "speeds": (1.0, 1.1),
    "time_masks": 0,
    "time_width": 3,
    "frequency_masks": 0,
    "frequency_width": 1,
    "channel": 0.0,
    "noise": 1.0,
    "snr": (0.0, 1.0),
    "batch_size": 4,
    "sort_first_epoch": False,
    "seed": 3,
}
TOGETHER: Mapping[str, Mapping[str, Any]] = {"snr": {"noise": 1.0}}
"""What a setting acts with."""

ELSEWHERE = {
    *TableSettings.model_fields,
    *AudioSettings.model_fields,
    # How rows are read, what the kept weights are best in:
    *("text_column", "split_column", "skip_bad_rows", "choose"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = toy_speech.write(tmp_path_factory.mktemp("settings") / "audio", toy_speech.texts(14))
    for path in found.glob("*.txt"):
        path.write_text(path.read_text().strip().title() + "!")
    return found


def made(folder: Path, out: Path, changes: Mapping[str, Any]) -> str:
    """A digest of the prepared data, of the predictor, of its weights and of the first batches."""
    config = configure(SpeechConfig, {**BASE, **changes})
    out.mkdir()
    task = SpeechTask(config, SpeechTask.prepare(config, toy_speech.given(folder), out))
    predictor = make(task)
    digest = hashlib.sha256(json.dumps(dict(predictor.parts().settings), sort_keys=True).encode())
    for path in sorted(path for path in out.rglob("*") if path.is_file()):
        digest.update(path.relative_to(out).as_posix().encode() + path.read_bytes())
    for key, weight in sorted(predictor.network.state_dict().items()):
        digest.update(f"{key} {tuple(weight.shape)}".encode() + weight.numpy().tobytes())
    source = task.source()
    for _ in range(4):
        batch = next(source)
        digest.update(batch.frames.numpy().tobytes() + batch.tokens.numpy().tobytes())
    return digest.hexdigest()


def test_every_setting_is_in_a_table() -> None:
    fields, training = set(SpeechConfig.model_fields), set(TrainingConfig.model_fields)
    assert fields - training - ELSEWHERE == set(CHANGES) - training
    assert not set(CHANGES) & ELSEWHERE
    assert fields >= ELSEWHERE


@pytest.fixture(scope="module")
def plain(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The digests of the base alone, and with what a setting acts with."""
    out = tmp_path_factory.mktemp("plain")
    assert made(folder, out / "one", {}) == made(folder, out / "two", {})
    found = {name: made(folder, out / name, with_it) for name, with_it in TOGETHER.items()}
    return {**found, "": made(folder, out / "base", {})}


@pytest.mark.parametrize("setting", CHANGES)
def test_a_setting_changes_something(
    folder: Path, tmp_path: Path, plain: dict[str, str], setting: str
) -> None:
    changes = {**TOGETHER.get(setting, {}), setting: CHANGES[setting]}
    assert made(folder, tmp_path / "it", changes) != plain[setting if setting in TOGETHER else ""]


def test_the_first_epoch_is_sorted_with_two_directions_only() -> None:
    for settings, wanted in (
        ({}, True),
        ({"bidirectional": False}, False),
        ({"bidirectional": False, "sort_first_epoch": True}, True),
        ({"sort_first_epoch": False}, False),
    ):
        assert configure(SpeechConfig, settings).sorts_first is wanted
