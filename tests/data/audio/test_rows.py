"""Utterances from tables, folders and values; which are held out; which are left out."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.audio.clips import Clip, Limits, Samples
from elman.data.audio.dataset import (
    AudioOptions,
    draw,
    read_more,
    read_unlabeled,
    read_utterances,
)
from elman.data.audio.rate import USUAL, usual_rate
from elman.data.audio.read import is_audio, read_rows
from elman.data.audio.rows import AudioColumns
from elman.data.audio.settings import AudioSettings
from elman.data.given import Audio, Columns, Files, Texts, given, one_part
from elman.data.labeled.formats.rows_of_table import label_of
from elman.data.tables.table import BadRows
from elman.errors import InputError
from tests.data.audio.waves import RATE, tone, write

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def recordings(folder: Path, count: int = 10) -> list[Path]:
    return [write(folder / "wav" / f"{n}.wav", tone(0.1, hertz=300 + 50 * n)) for n in range(count)]


def manifest(path: Path, rows: list[dict[str, Any]]) -> Path:
    """A table of these rows, as its name says."""
    if path.suffix == ".jsonl":
        lines = [json.dumps(row) for row in rows]
    else:
        sign = "\t" if path.suffix == ".tsv" else ","
        names = list(rows[0])
        lines = [sign.join(names), *(sign.join(str(row[n]) for n in names) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def rows_of(count: int = 10, **more: Any) -> list[dict[str, Any]]:
    return [{"audio": f"wav/{n}.wav", "text": WORDS[n % 10], **more} for n in range(count)]


@pytest.mark.parametrize("name", ["a.jsonl", "a.csv", "a.tsv"])
def test_a_table_lists_recordings(tmp_path: Path, name: str) -> None:
    paths = recordings(tmp_path)
    found = read_more(manifest(tmp_path / name, rows_of()), AudioColumns(), BadRows())
    assert found.audio == tuple(map(Clip, paths))
    assert found.texts == WORDS
    assert found.speakers is None
    assert found.where(3).endswith(f"{name}:{4 if name == 'a.jsonl' else 5}")


def test_a_table_without_names_loses_no_row(tmp_path: Path) -> None:
    """Also where the first text is a word that columns are called by."""
    recordings(tmp_path)
    for sign, suffix in (("|", "txt"), ("\t", "tsv"), (",", "csv")):
        path = tmp_path / f"list.{suffix}"
        path.write_text(f"wav/0.wav{sign}stop\nwav/1.wav{sign}go on\nwav/2.wav{sign}stop\n")
        found = read_more(path, AudioColumns(), BadRows())
        assert found.texts == ("stop", "go on", "stop")


@pytest.mark.parametrize(
    ("names", "kept"),
    [
        (("audio", "text", "start", "end", "speaker"), ("begin", "end")),
        (("audio_filepath", "text", "offset", "duration", "speaker"), ("begin", "duration")),
        (("path", "sentence", "begin", "stop", "client_id"), ("begin", "end")),
    ],
)
def test_names_of_columns_that_data_sets_have(
    tmp_path: Path, names: tuple[str, ...], kept: tuple[str, ...]
) -> None:
    recordings(tmp_path)
    ends = 0.05 if "duration" in names else 0.07
    rows = [
        dict(zip(names, (f"wav/{n}.wav", "hi", 0.02, ends, f"s{n}"), strict=True)) for n in (0, 1)
    ]
    columns = AudioColumns()
    found = read_rows(
        one_part(manifest(tmp_path / "a.jsonl", rows)), columns, BadRows(), answer="text"
    )
    clip = found.heard.audio[0]
    assert isinstance(clip, Clip)
    assert (clip.begin, clip.end) == (0.02, pytest.approx(0.07))
    assert found.heard.speakers == ("s0", "s1")
    assert all(getattr(found.columns, name) for name in kept)


def test_a_duration_alone_says_nothing_new(tmp_path: Path) -> None:
    recordings(tmp_path)
    rows = [{"audio_filepath": "wav/0.wav", "text": "hi", "duration": 0.1}]
    found = read_more(manifest(tmp_path / "a.jsonl", rows), AudioColumns(), BadRows())
    assert found.audio == (Clip(tmp_path / "wav" / "0.wav"),)


@pytest.mark.remedy
def test_columns_that_have_to_be_named(tmp_path: Path) -> None:
    recordings(tmp_path)
    rows = [{"x": "wav/0.wav", "y": "wav/1.wav", "z": "hi"}]
    path = manifest(tmp_path / "a.jsonl", rows)
    with pytest.raises(InputError, match=r"'x', 'y' could each be it; name it with --audio-column"):
        read_more(path, AudioColumns(), BadRows())
    found = read_more(path, AudioColumns(audio="y"), BadRows())
    assert found.audio == (Clip(tmp_path / "wav" / "1.wav"),)
    path = manifest(tmp_path / "b.jsonl", [{"audio": "wav/0.wav", "one": "hi", "two": "ho"}])
    with pytest.raises(InputError, match=r"no column of the text found.*--text-column"):
        read_more(path, AudioColumns(), BadRows())
    assert read_more(path, AudioColumns(text="two"), BadRows()).texts == ("ho",)
    with pytest.raises(InputError, match="--start-column when: no such column"):
        read_more(path, AudioColumns(begin="when"), BadRows())


BAD = [
    ({"audio": "wav/x.wav"}, r"wav/x\.wav: no such file; correct the path, or give --audio-root"),
    ({"audio": "../out.wav"}, r"\.\./out\.wav: out of .*; give --audio-root"),
    ({"audio": "/etc/hostname"}, "/etc/hostname: out of"),
    ({"audio": "link.wav"}, r"link\.wav: out of"),
    ({"audio": "https://a.b/c.wav"}, "an address; get the file"),
    ({"audio": "file:///etc/hostname"}, "an address"),
    ({"audio": ""}, "has no path"),
    ({"audio": None}, "its audio is None, expected a path"),
    ({"audio": 7}, "its audio is 7, expected a path"),
    ({"audio": "a\0b.wav"}, "a character 0"),
    ({"audio": "wav\\0.wav"}, r"write / in place of \\"),
    ({"audio": "wav"}, "is a folder, expected a file"),
    ({"audio": "text.wav"}, r"text\.wav: is not audio"),
    ({"audio": "empty.wav"}, r"empty\.wav: is empty"),
    ({"audio": "cut.wav"}, r"cut\.wav: is cut off: its header claims 3,200 bytes"),
    ({"audio": "none.wav"}, r"none\.wav: holds no samples"),
    ({"audio": "f.npy"}, r"f\.npy: features, but the rows above are samples"),
    ({"text": ""}, "its text is empty"),
    ({"text": " \t"}, "its text is empty"),
    ({"text": None}, "has no text"),
    ({"text": 7}, "its text is the int 7"),
    ({"text": ["a"]}, "its text is a list"),
    ({"start": -1}, "its start is -1, below 0"),
    ({"start": "x"}, "its start is 'x', expected seconds"),
    ({"start": True}, "its start is True, expected seconds"),
    ({"start": 0.1, "end": 0.05}, "nothing"),
    ({"start": 0.1}, "nothing"),
    ({"end": 0}, "nothing"),
    ({"end": 90}, r"ends after 0\.100 s, but the row at 90 s"),
    ({"end": 1e300}, "but the row at 1e"),
    ({"speaker": ""}, "has no speaker"),
    ({"split": "later"}, "its split is 'later', expected train, valid or test"),
]


@pytest.mark.parametrize(("wrong", "said"), BAD, ids=[str(each[0]) for each in BAD])
def test_a_bad_row_is_named_or_left_out(tmp_path: Path, wrong: dict[str, Any], said: str) -> None:
    data = tmp_path / "data"
    recordings(data, 2)
    write(tmp_path / "out.wav")
    (data / "link.wav").symlink_to(tmp_path / "out.wav")
    (data / "text.wav").write_text("this is no audio " * 50)
    (data / "empty.wav").touch()
    write(data / "none.wav", tone(0))
    whole = (data / "wav" / "0.wav").read_bytes()
    (data / "cut.wav").write_bytes(whole[: len(whole) // 2])
    np.save(data / "f.npy", np.ones((4, 3), np.float32))
    good = {"audio": "wav/0.wav", "text": "zero", "start": None, "end": None}
    good |= {"speaker": "ann", "split": "train"}
    path = manifest(data / "a.jsonl", [good, good | wrong, good | {"audio": "wav/1.wav"}])
    with pytest.raises(InputError, match=rf"a\.jsonl:2: .*{said}") as raised:
        read_more(path, AudioColumns(), BadRows())
    assert "\n" not in str(raised.value)
    bad = BadRows(skip=True)
    left = read_more(path, AudioColumns(), bad)
    assert bad.count == 1
    assert [left.where(row).rpartition(":")[2] for row in range(len(left))] == ["1", "3"]


@pytest.mark.remedy
def test_an_audio_root_covers_what_is_elsewhere(tmp_path: Path) -> None:
    write(tmp_path / "audio" / "a.wav")
    lists = tmp_path / "lists"
    lists.mkdir()
    for cell in ("../audio/a.wav", str(tmp_path / "audio" / "a.wav"), "a.wav"):
        path = manifest(lists / "a.jsonl", [{"audio": cell, "text": "hi"}])
        with pytest.raises(InputError, match="give --audio-root"):
            read_more(path, AudioColumns(), BadRows())
        found = read_more(path, AudioColumns(root=tmp_path / "audio"), BadRows())
        (clip,) = found.audio
        assert isinstance(clip, Clip)
        assert clip.path.samefile(tmp_path / "audio" / "a.wav")
    write(tmp_path / "audio2" / "b.wav")
    path = manifest(lists / "a.jsonl", [{"audio": "../audio2/b.wav", "text": "hi"}])
    with pytest.raises(InputError, match="out of"):  # a name that begins alike is no folder in it
        read_more(path, AudioColumns(root=tmp_path / "audio"), BadRows())


def test_transcripts_beside_recordings(tmp_path: Path) -> None:
    for path, word in zip(recordings(tmp_path, 3), WORDS, strict=False):
        path.with_suffix(".txt").write_text(f"  {word}\n  spoken \n")
    found = read_more(tmp_path, AudioColumns(), BadRows())
    assert found.texts == ("zero spoken", "one spoken", "two spoken")
    assert found.where(1) == str(tmp_path / "wav" / "1.wav")
    (tmp_path / "wav" / "1.txt").unlink()
    with pytest.raises(InputError, match=r"1\.wav: has no transcript beside it, 1\.txt; write one"):
        read_more(tmp_path, AudioColumns(), BadRows())
    bad = BadRows(skip=True)
    assert read_more(tmp_path, AudioColumns(), bad).texts == ("zero spoken", "two spoken")
    assert bad.count == 1


def librispeech(folder: Path, speakers: int = 3) -> Path:
    for speaker in range(10, 10 + speakers):
        chapter = folder / str(speaker) / "7"
        ids = [f"{speaker}-7-{n:04}" for n in range(4)]
        for name in ids:
            write(chapter / f"{name}.flac", tone(0.1))
        lines = [f"{name} SAID {n}" for n, name in enumerate(ids)]
        (chapter / f"{speaker}-7.trans.txt").write_text("\n".join(lines) + "\n")
    return folder


def test_transcripts_as_librispeech_has_them(tmp_path: Path) -> None:
    librispeech(tmp_path)
    found = read_more(tmp_path, AudioColumns(), BadRows())
    assert found.texts == ("SAID 0", "SAID 1", "SAID 2", "SAID 3") * 3
    assert found.speakers == ("10",) * 4 + ("11",) * 4 + ("12",) * 4
    assert found.where(5).endswith("11-7.trans.txt:2")
    (tmp_path / "11" / "7" / "11-7-0001.flac").unlink()
    with pytest.raises(InputError, match=r"11-7\.trans\.txt:2: there is no recording"):
        read_more(tmp_path, AudioColumns(), BadRows())


def test_a_folder_may_have_its_own_table(tmp_path: Path) -> None:
    recordings(tmp_path)
    manifest(tmp_path / "metadata.csv", [{"file_name": "wav/3.wav", "transcription": "three"}])
    assert read_more(tmp_path, AudioColumns(), BadRows()).texts == ("three",)


def test_a_folder_without_recordings(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello")
    with pytest.raises(InputError, match=r"holds no recordings; give a folder with \.wav"):
        read_more(tmp_path, AudioColumns(), BadRows())


def test_values_of_python(tmp_path: Path) -> None:
    paths = recordings(tmp_path, 2)
    frames = [np.ones((4, 3)), np.ones((5, 3))]
    pd = pytest.importorskip("pandas")
    ways: list[tuple[Any, type]] = [
        (([(tone(), RATE), (tone(), 8_000)], ["a", "b"]), Samples),
        (Audio([(tone(), RATE), (tone(), 8_000)], ["a", "b"]), Samples),
        ({"audio": [(tone(), RATE), (tone(), 8_000)], "text": ["a", "b"]}, Samples),
        ((paths, ["a", "b"]), Clip),
        (([str(path) for path in paths], ["a", "b"]), Clip),
        ({"path": [str(path) for path in paths], "sentence": ["a", "b"]}, Clip),
        (pd.DataFrame({"path": [str(path) for path in paths], "text": ["a", "b"]}), Clip),
        ((frames, ["a", "b"]), np.ndarray),
        ({"features": frames, "text": ["a", "b"]}, np.ndarray),
    ]
    for data, kind in ways:
        found = read_more(data, AudioColumns(), BadRows())
        assert found.texts == ("a", "b")
        assert all(isinstance(source, kind) for source in found.audio)
        assert found.where(1) == "data:2"
    heard = read_unlabeled([(tone(), RATE)], AudioColumns(), BadRows())
    assert heard.heard.texts is None
    assert usual_rate(heard.heard) == RATE


@pytest.mark.parametrize(
    ("rates", "usual"),
    [
        ((8_000,), 8_000),
        ((44_100,), USUAL),
        ((44_100,) * 20 + (8_000,), USUAL),
        ((44_100,) * 18 + (8_000,), 8_000),
    ],
)
def test_usual_rate_is_one_that_more_than_a_few_rows_have(
    rates: tuple[int, ...], usual: int
) -> None:
    heard = read_unlabeled([(tone(), rate) for rate in rates], AudioColumns(), BadRows()).heard
    assert usual_rate(heard) == usual


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ([(tone(), RATE)], r"has no texts; give \(recordings, texts\)"),
        (([tone()], ["a"]), r"data:1: samples without their rate; give \(samples, rate\)"),
        ([("a", "b")], "no recordings"),
    ],
)
def test_values_that_are_no_speech(data: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_more(data, AudioColumns(), BadRows())


def test_split_as_files_say(tmp_path: Path) -> None:
    recordings(tmp_path)
    for name, rows in (("train", rows_of(6)), ("valid", rows_of(10)[6:8]), ("test", rows_of()[8:])):
        manifest(tmp_path / f"{name}.csv", rows)
    files = [tmp_path / f"{name}.csv" for name in ("train", "valid", "test")]
    for data in (tmp_path, files):
        found = read_utterances(data)
        assert found.test is not None
        assert [found.train.texts, found.valid.texts, found.test.texts] == [
            WORDS[:6],
            WORDS[6:8],
            WORDS[8:],
        ]
    found = read_utterances([files[0], files[2]], AudioOptions(valid_fraction=0.2))
    assert found.test is not None
    assert (len(found.train), len(found.valid), found.test.texts) == (5, 1, WORDS[8:])


def test_split_as_a_column_says(tmp_path: Path) -> None:
    recordings(tmp_path)
    names = ["train"] * 6 + ["dev"] * 2 + ["test"] * 2
    rows = [row | {"split": name} for row, name in zip(rows_of(), names, strict=True)]
    found = read_utterances(manifest(tmp_path / "a.jsonl", rows))
    assert found.test is not None
    assert [len(found.train), len(found.valid), len(found.test)] == [6, 2, 2]
    assert found.valid.texts == WORDS[6:8]
    assert found.valid.where(0).endswith("a.jsonl:7")
    none = [row | {"split": "test"} for row in rows_of()]
    with pytest.raises(InputError, match="split column has no rows of train"):
        read_utterances(manifest(tmp_path / "b.jsonl", none))


def test_speakers_are_held_out_where_there_are_enough(tmp_path: Path) -> None:
    recordings(tmp_path, 40)
    rows = [row | {"speaker": f"s{n % 10}"} for n, row in enumerate(rows_of(40))]
    found = read_utterances(manifest(tmp_path / "a.jsonl", rows))
    assert found.test is not None
    parts = [set(part.speakers or ()) for part in (found.train, found.valid, found.test)]
    assert [len(part) for part in parts] == [8, 1, 1]
    assert not parts[0] & parts[1] | parts[0] & parts[2] | parts[1] & parts[2]
    assert any("split by speaker, 10 of them, seed 0: valid s" in note for note in found.notes)
    again = read_utterances(tmp_path / "a.jsonl", AudioOptions(seed=0))
    assert again.valid.speakers == found.valid.speakers
    few = [row | {"speaker": f"s{n % 3}"} for n, row in enumerate(rows_of(40))]
    found = read_utterances(manifest(tmp_path / "b.jsonl", few))
    assert [len(found.train), len(found.valid)] == [32, 4]
    assert any("3 speakers can't be held out" in note for note in found.notes)


def test_each_row_is_in_one_part(tmp_path: Path) -> None:
    path = manifest(tmp_path / "a.jsonl", rows_of(10))
    recordings(tmp_path)
    heard = read_more(path, AudioColumns(), BadRows())
    parts, _ = draw(heard, {"valid": 0.2, "test": 0.1}, 3)
    assert Counter({name: len(rows) for name, rows in parts.items()}) == {
        "train": 7,
        "valid": 2,
        "test": 1,
    }
    assert sorted(np.concatenate(list(parts.values()))) == list(range(10))
    assert set(draw(heard, {"valid": 0.2, "test": 0.0}, 3)[0]) == {"train", "valid"}
    with pytest.raises(InputError, match="together below 1"):
        draw(heard, {"valid": 0.6, "test": 0.4}, 3)
    with pytest.raises(InputError, match=r"a\.jsonl: too few recordings: 2 leave none"):
        draw(heard.take(np.arange(2)), {"valid": 0.1, "test": 0.1}, 3)


def test_what_was_found_is_told(tmp_path: Path) -> None:
    recordings(tmp_path)
    write(tmp_path / "wav" / "9.wav", tone(0.1, 8_000), 8_000)
    rows = [*rows_of(), {"audio": "wav/none.wav", "text": "x"}]
    found = read_utterances(manifest(tmp_path / "a.jsonl", rows), AudioOptions(skip_bad_rows=True))
    assert found.skipped == 1
    assert "left out 1 row that can't be read" in found.notes
    assert "a.jsonl: 10 recordings, 1.0 s, 8,000 and 16,000 Hz" in found.notes
    assert found.columns.audio == "audio"


def test_the_bound_on_seconds_is_that_of_the_row(tmp_path: Path) -> None:
    write(tmp_path / "long.wav", tone(3))
    rows = [{"audio": "long.wav", "text": "hi", "start": n, "end": n + 1} for n in range(3)]
    path = manifest(tmp_path / "a.jsonl", rows)
    found = read_utterances(path, AudioOptions(limits=Limits(seconds=1), test_fraction=0.2))
    assert len(found.train) == 1
    with pytest.raises(InputError, match=r"a\.jsonl:1: .*longer than 0 s, the bound|longer"):
        read_utterances(path, AudioOptions(limits=Limits(seconds=0.4)))


def test_labels_in_place_of_texts(tmp_path: Path) -> None:
    """A column, or the name of the folder: the same reader."""
    for name in ("dog", "cat"):
        write(tmp_path / "by_class" / name / "1.wav")
    bad = BadRows()
    folder = read_rows(
        Files((tmp_path / "by_class",)), AudioColumns(), bad, answer="label", convert=label_of
    )
    assert folder.answers == ("cat", "dog")
    (tmp_path / "by_class" / "labels.csv").write_text("file,label\ncat/1.wav,meow\ndog/1.wav,3\n")
    listed = read_rows(
        Files((tmp_path / "by_class",)), AudioColumns(), bad, answer="label", convert=label_of
    )
    assert listed.answers == ("meow", "3")
    rows = [{"audio": f"by_class/{n}/1.wav", "label": n} for n in ("dog", "cat")]
    table = read_rows(
        Files((manifest(tmp_path / "a.csv", rows),)),
        AudioColumns(),
        bad,
        answer="label",
        convert=label_of,
    )
    assert table.answers == ("dog", "cat")
    assert table.columns.label == "label"


def test_what_is_audio_and_what_is_not(tmp_path: Path) -> None:
    paths = recordings(tmp_path, 2)
    columns = AudioColumns()
    (tmp_path / "t.csv").write_text("text,label\ngood,1\nbad,0\n")
    for data, wanted in (
        (tmp_path, True),
        (paths[0], True),
        (manifest(tmp_path / "a.csv", rows_of(2)), True),
        (tmp_path / "t.csv", False),
        ([(tone(), RATE)], True),
        ({"audio": [(tone(), RATE)], "label": ["a"]}, True),
        ({"x": [1, 2], "label": ["a", "b"]}, False),
        (Texts(["hello there"]), False),
    ):
        assert is_audio(one_part(data), columns) is wanted
    assert is_audio(Columns({"x": [np.ones((2, 3))], "label": ["a"]}), columns) is False


def test_a_pipe_named_as_a_recording(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.wav")
    rows = [{"audio": "a.wav", "text": "hi"}]
    with pytest.raises(InputError, match=r"a\.jsonl:1: .*is a pipe"):
        read_more(manifest(tmp_path / "a.jsonl", rows), AudioColumns(), BadRows())


def test_two_files_of_speech_are_train_and_valid(tmp_path: Path) -> None:
    recordings(tmp_path)
    first, second = (manifest(tmp_path / f"{n}.jsonl", rows_of(5)) for n in ("a", "b"))
    found = read_utterances(given([first, second]))
    assert (len(found.train), len(found.valid), found.test) == (5, 5, None)


def test_columns_that_were_found_are_looked_for_again_elsewhere(tmp_path: Path) -> None:
    """What the user says stands; what was only found in training need not be in other tables."""
    recordings(tmp_path)
    rows = [row | {"speaker": f"s{n}"} for n, row in enumerate(rows_of())]
    trained = read_utterances(manifest(tmp_path / "a.jsonl", rows)).columns
    assert {"audio", "text", "speaker"} == set(trained.found)
    other = manifest(tmp_path / "b.csv", [{"path": "wav/1.wav", "sentence": "hi there"}])
    assert read_more(other, trained, BadRows()).texts == ("hi there",)
    assert read_more(other, AudioSettings().audio_columns(trained), BadRows()).speakers is None
    said = AudioSettings(audio_column="audio").audio_columns(trained)
    with pytest.raises(InputError, match="--audio-column audio: no such column; it has 'path'"):
        read_more(other, said, BadRows())
    both = [{"audio": "wav/1.wav", "path": "wav/2.wav", "text": "hi"}]
    found = read_more(manifest(tmp_path / "c.jsonl", both), trained, BadRows())
    assert found.audio == (Clip(tmp_path / "wav" / "1.wav"),)
