"""What is no recording, or none of this folder, is refused by name."""

from pathlib import Path

import pytest

from elman.data.audio.dataset import read_more, read_unlabeled
from elman.data.audio.rows import AudioColumns
from elman.data.tables.table import BadRows
from elman.errors import InputError
from tests.data.audio.waves import write


def test_a_link_out_of_a_folder_is_not_followed(tmp_path: Path) -> None:
    write(tmp_path / "out.wav")
    data = tmp_path / "data"
    data.mkdir()
    (data / "a.wav").symlink_to(tmp_path / "out.wav")
    with pytest.raises(InputError, match="a link out of the folder"):
        read_more(data, AudioColumns(), BadRows())


@pytest.mark.parametrize("name", ["a.m4a", "a.mp4", "a.aiff"])
def test_sound_of_other_kinds(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\0\0\0\x20ftypM4A \xff\xfe")
    with pytest.raises(InputError, match=r"is not read; give WAV.*ffmpeg -i IN OUT\.wav"):
        read_unlabeled(tmp_path / name, AudioColumns(), BadRows())


def test_a_table_with_nothing_in_it(tmp_path: Path) -> None:
    for name, content in (("a.csv", ""), ("b.csv", "audio,text\n"), ("c.jsonl", "\n")):
        (tmp_path / name).write_text(content)
        with pytest.raises(InputError, match=name):
            read_more(tmp_path / name, AudioColumns(), BadRows())
