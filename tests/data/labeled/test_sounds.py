"""Recordings with labels: found among other data, cut by speaker or by class, with ids."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.audio.dataset import AudioOptions
from elman.data.audio.rows import AudioColumns, Utterances
from elman.data.given import Files, Given, given
from elman.data.labeled.rows import LabeledSplits
from elman.data.labeled.sounds import has_sounds, read_labeled_sounds
from elman.data.tables.table import BadRows
from elman.errors import InputError
from tests.data.audio import waves


def table(folder: Path, rows: list[str], header: str = "path,label") -> Given:
    """A table of recordings, each of which is there."""
    for row in rows:
        waves.write(folder / row.partition(",")[0], waves.tone(0.1))
    path = folder / "sounds.csv"
    path.write_text("\n".join([header, *rows, ""]), encoding="utf-8")
    return Files((path,))


def read(data: Any, separator: str | None = None, **options: Any) -> LabeledSplits:
    found, _ = read_labeled_sounds(
        given(data), AudioOptions(**options), separator, BadRows(skip=False)
    )
    return found


def speakers(splits: LabeledSplits) -> list[set[str]]:
    """Of train, valid and test."""
    found = []
    for part in (splits.train, splits.valid, splits.test):
        assert part is not None
        assert isinstance(part.inputs, Utterances)
        found.append(set(part.inputs.speakers or ()))
    return found


def test_recordings_are_told_from_texts(tmp_path: Path) -> None:
    columns = AudioColumns()
    assert has_sounds(table(tmp_path, ["a.wav,dog", "b.wav,cat"]), columns)
    assert has_sounds(given([(waves.tone(0.1), waves.RATE)]), columns)
    assert has_sounds(given(tmp_path), columns)
    (tmp_path / "wide.csv").write_text("path,label\na.wav,dog\nb.wav,cat\n", encoding="utf-16")
    assert has_sounds(Files((tmp_path / "wide.csv",)), columns)
    texts = tmp_path / "reviews.csv"
    texts.write_text("text,label\na film,good\nno film,bad\n", encoding="utf-8")
    assert not has_sounds(Files((texts,)), columns)
    texts.write_text("text,label\nwho made x.wav?,good\nno film,bad\n", encoding="utf-8")
    assert not has_sounds(Files((texts,)), columns)
    assert not has_sounds(Files((tmp_path / "missing.csv",)), columns)
    assert not has_sounds(given(["a film"]), columns)


def test_parts_are_drawn_by_speaker(tmp_path: Path) -> None:
    rows = [f"{n}.wav,{'ab'[n % 2]},s{n // 2}" for n in range(20)]
    data = table(tmp_path, rows, "path,label,speaker")
    splits = read(data, valid_fraction=0.2, test_fraction=0.2)
    train, valid, test = speakers(splits)
    assert not train & valid
    assert not (train | valid) & test
    assert train | valid | test == {f"s{n}" for n in range(10)}
    assert any("split by speaker" in note for note in splits.notes)


def test_a_class_that_one_speaker_has_alone_is_cut_by_class(tmp_path: Path) -> None:
    rows = [f"{n}.wav,{'abcdefghij'[n // 4]},s{n // 4}" for n in range(40)]
    data = table(tmp_path, rows, "path,label,speaker")
    splits = read(data, valid_fraction=0.25, test_fraction=0)
    assert set(splits.train.labels.ids) == set(range(10))
    assert any("split by class" in note for note in splits.notes)


def test_a_column_names_the_parts_and_the_classes(tmp_path: Path) -> None:
    rows = ["a.wav,dog,train", "b.wav,cat,train", "c.wav,dog,valid", "d.wav,cat,test"]
    splits = read(table(tmp_path, rows, "path,label,split"))
    assert splits.names == ("cat", "dog")
    assert splits.train.labels.ids.tolist() == [1, 0]
    assert splits.valid.labels.ids.tolist() == [1]
    assert splits.test is not None
    assert splits.test.labels.ids.tolist() == [0]


def test_many_labels_a_recording(tmp_path: Path) -> None:
    rows = [f"{n}.wav,{('dog', 'dog;cat', 'cat')[n % 3]}" for n in range(12)]
    splits = read(table(tmp_path, rows), ";")
    assert splits.train.labels.kind == "many"
    assert np.asarray(splits.train.labels.ids).sum(1).max() == 2


def test_an_unknown_class_is_named_with_its_line(tmp_path: Path) -> None:
    rows = ["a.wav,dog,train", "b.wav,cat,train", "c.wav,cow,valid"]
    with pytest.raises(InputError, match=r"sounds\.csv:4: the label 'cow' is not in the training"):
        read(table(tmp_path, rows, "path,label,split"))
