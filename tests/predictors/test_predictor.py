"""The folder that holds a predictor: whole or not at all, and nothing that is damaged is used."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

import elman
from elman.checksums import sealed
from elman.errors import InputError
from elman.predictors import predictor as module
from elman.predictors.predictor import HEADER, WEIGHTS, Parts, Records
from elman.tasks.runs import Run


@pytest.fixture
def folder(trained: Run, tmp_path: Path) -> Path:
    trained.predictor.save(tmp_path / "saved")
    return tmp_path / "saved"


def test_a_saved_predictor_needs_nothing_else(trained: Run, folder: Path) -> None:
    again = elman.load(folder)
    assert again.fingerprint == trained.predictor.fingerprint
    assert [*again.predict(["the cat"])] == [*trained.predictor.predict(["the cat"])]
    assert sorted(path.name for path in folder.iterdir()) == [
        "model.safetensors",
        "predictor.json",
        "tokenizer.json",
    ]
    assert [path.name for path in folder.parent.iterdir()] == ["saved"]


def test_what_is_there_is_replaced_only_when_asked(trained: Run, folder: Path) -> None:
    with pytest.raises(InputError, match=r"saved: is there already; .* overwrite=True"):
        trained.predictor.save(folder)
    trained.predictor.save(folder, overwrite=True)
    assert elman.load(folder).fingerprint == trained.predictor.fingerprint
    (folder.parent / "mine").mkdir()
    (folder.parent / "mine" / "letter.txt").write_text("dear")
    with pytest.raises(InputError, match=r"mine: is there already"):
        trained.predictor.save(folder.parent / "mine", overwrite=True)
    assert (folder.parent / "mine" / "letter.txt").read_text() == "dear"


def test_a_save_that_fails_leaves_what_was_there(
    trained: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(module, "save_model", full)
    with pytest.raises(OSError, match="No space"):
        trained.predictor.save(folder, overwrite=True)
    with pytest.raises(OSError, match="No space"):
        trained.predictor.save(folder.parent / "other")
    assert [path.name for path in folder.parent.iterdir()] == ["saved"]
    assert elman.load(folder).fingerprint == trained.predictor.fingerprint


def changed(**settings: Any) -> Any:
    def change(folder: Path) -> None:
        content = json.loads((folder / HEADER).read_text())
        for path, value in settings.items():
            part, _, name = path.partition("__")
            content[part] = value if not name else {**content[part], name: value}
        (folder / HEADER).write_bytes(sealed(json.dumps(content).encode()))

    return change


def written(name: str, content: bytes) -> Any:
    return lambda folder: (folder / name).write_bytes(content)


DAMAGE: dict[str, tuple[Any, str]] = {
    "format": (changed(elman__format=1), "a predictor of format 1, expected 3; train it again"),
    "kind": (changed(elman__kind="oracle"), "'oracle' is no kind of predictor; expected language"),
    "no files": (changed(files={}), "its parts do not fit together"),
    "a file elsewhere": (changed(files={"../x": "0"}), "'../x' is not a file of this folder"),
    "a hash": (changed(files={"tokenizer.json": "0"}), "tokenizer.json: is damaged"),
    "sizes": (changed(settings__hidden_size=-3), "hidden_size must be greater than zero, got -3"),
    "other sizes": (changed(settings__hidden_size=3), "the weights of another model"),
    "words": (changed(settings__hidden_size="many"), "do not fit together"),
    "no settings": (changed(settings=None), "predictor.json: cannot be read"),
    "settings in a list": (changed(settings=[]), "'settings' must be an object, got list"),
    "settings that are a text": (changed(settings="x"), "predictor.json: cannot be read"),
    "a number without bounds": (
        changed(settings__num_layers=10**7),
        r"predictor.json: was changed: num_layers is more than its weights of 6,824 bytes can have",
    ),
    "a switch that is a number": (
        changed(settings__tied=0),
        "predictor.json: was changed: tied is not such as it is written; restore it",
    ),
    "a number that is a word": (changed(settings__num_layers="1"), "was changed: num_layers is"),
    "a word that is a switch": (changed(settings__encoding=True), "was changed: encoding is not"),
    "a name that is a list": (changed(settings__encoding=[[]]), "was changed: encoding is not"),
    "a setting of its own": (changed(settings__colour="red"), "was changed: colour is not such"),
    "nested settings": (
        changed(settings__options={"forget_bias": math.inf}),
        "was changed: options.forget_bias is not such as it is written",
    ),
    "another kind": (changed(elman__kind="forecaster"), "do not fit together"),
    "no JSON": (written(HEADER, b"{"), "predictor.json: is damaged"),
    "deep JSON": (written(HEADER, b"[" * 100_000), "predictor.json: is damaged"),
    "a list": (written(HEADER, b"[]"), "predictor.json: is damaged"),
    "bytes": (written(HEADER, b"\xff\xfe"), "predictor.json: is damaged"),
    "tokenizer": (written("tokenizer.json", b"{}"), "tokenizer.json: is damaged"),
    "weights": (written(WEIGHTS, b"\x08"), "model.safetensors: is damaged"),
    "tokenizer gone": (lambda f: (f / "tokenizer.json").unlink(), "tokenizer.json: is missing"),
    "weights gone": (lambda f: (f / WEIGHTS).unlink(), "has no weights yet"),
    "header gone": (lambda f: (f / HEADER).unlink(), "holds no predictor"),
    "all gone": (shutil.rmtree, "there is no such folder"),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_damage_is_one_line(folder: Path, damage: str) -> None:
    change, message = DAMAGE[damage]
    change(folder)
    with pytest.raises(InputError, match=message) as caught:
        elman.load(folder)
    assert "\n" not in str(caught.value)
    assert "saved" in str(caught.value)


def test_the_fingerprint_follows_weights_and_parts(folder: Path) -> None:
    one, other = elman.load(folder), elman.load(folder)
    assert one.fingerprint == other.fingerprint
    with torch.no_grad():
        next(other.network.parameters())[0] += 1
    assert one.fingerprint != other.fingerprint
    changed(settings__output_dropout=0.5)(folder)
    assert other.fingerprint != elman.load(folder).fingerprint
    parts = other.parts()
    for files in ({"tokenizer.json": b"{}"}, {**parts.files, "more": b""}):
        other._hashed, known = None, other.fingerprint
        other.parts = lambda files=files: Parts(parts.settings, files)  # type: ignore[method-assign]
        other._hashed = None
        assert other.fingerprint != known


def test_rows_are_a_sequence_and_a_frame(trained: Run) -> None:
    rows = trained.predictor.predict(["the cat", "a dog", "it"])
    assert isinstance(rows, Records)
    assert len(rows) == 3
    assert [*rows[1:]] == [rows[1], rows[2]]
    assert repr(rows).startswith("<Records: 3 rows of ")
    assert rows.to_frame().shape == (3, len(rows.to_frame().columns))
    assert repr(Records([])) == "<Records: 0 rows of none>"


def test_an_option_that_a_kind_does_not_have(trained: Run) -> None:
    with pytest.raises(InputError, match=r"--beam: a language-model has no such setting here"):
        trained.predictor.predict(["the cat"], beam=3)
    with pytest.raises(InputError, match=r"--levels: a language-model has no such setting here"):
        trained.predictor.session(levels=3)


def test_a_file_of_tensors_that_is_none_is_one_line(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its hash may be right all the same, where somebody made it by hand."""

    class Reads:
        @staticmethod
        def of(parts: object, name: str) -> None:
            safetensors.torch.load(b"nonsense")

    monkeypatch.setattr(module, "kind_class", lambda kind: Reads)
    with pytest.raises(InputError, match=r"saved: its parts do not fit together"):
        elman.load(folder)


def test_parts_that_are_replaced_while_they_are_read(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = module.read_parts(folder)
    path = folder / "tokenizer.json"
    content = path.read_bytes()
    path.write_bytes(b"of the parts that come")
    monkeypatch.setattr(module.time, "sleep", lambda _: path.write_bytes(content))
    assert module.read_parts(folder) == expected
