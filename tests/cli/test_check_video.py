"""`elman data check --task video`: what would be seen, and the line that refuses it."""

from pathlib import Path

import pytest

from tests.cli.conftest import Elman
from tests.videos_made import drawn, write_video


def folder(root: Path) -> Path:
    for name in ("jump", "run"):
        for person in ("ann", "bob", "cleo"):
            (root / name / person).mkdir(parents=True)
            write_video(root / name / person / "1.avi", drawn(4))
    return root


def test_what_would_be_seen(elman: Elman, tmp_path: Path) -> None:
    ended = elman("data", "check", folder(tmp_path / "data"), "--task", "video")
    assert ended.code == 0, ended.err
    said = " ".join(ended.out.split())
    assert "6 videos, 2.4 s, 48x32 pixels, 10 frames a second" in said
    assert "split by group, 3 of them" in said
    assert "train 2 0.8 s 0.4 s 0.4 s 1" in said
    assert "jump 1 1 1" in said


@pytest.mark.remedy
def test_a_video_that_can_not_be_seen(elman: Elman, tmp_path: Path) -> None:
    root = folder(tmp_path / "data")
    for person in ("dan", "eve"):
        for name in ("jump", "run"):
            (root / name / person).mkdir(parents=True)
            write_video(root / name / person / "1.avi", drawn(4))
    path = root / "run" / "eve" / "1.avi"
    path.write_bytes(path.read_bytes()[:-300])
    ended = elman("data", "check", root, "--task", "video")
    assert ended.code == 2
    (line,) = ended.err.splitlines()
    assert line.startswith(f"elman: {path}: is cut off")
    left = elman("data", "check", root, "--task", "video", "--skip-bad-rows")
    assert left.code == 0
    assert "left out 1 row that can't be read" in left.out


@pytest.mark.remedy
def test_a_video_is_no_table_to_forecast(elman: Elman, tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", drawn(4))
    ended = elman("data", "check", path)
    assert ended.code == 2
    assert "is a video, expected a table" in ended.err
    assert "--task video" in ended.err
