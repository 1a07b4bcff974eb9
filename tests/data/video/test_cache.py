"""Frames that are decoded once, into a file."""

from pathlib import Path

import numpy as np
import pytest

from elman.data import given
from elman.data.given import Files
from elman.data.tables.table import BadRows
from elman.data.video import cache
from elman.data.video.cache import cache_frames, move_frames
from elman.data.video.clips import VideoLimits
from elman.data.video.frame_format import FrameFormat
from elman.data.video.read import read_rows
from elman.data.video.rows import VideoColumns, Videos
from elman.errors import InputError
from tests.videos_made import drawn, write_image, write_images, write_video

FORMAT = FrameFormat(10, 8, 12)


def videos_in(folder: Path, count: int = 3) -> Videos:
    for number in range(count):
        (folder / "a").mkdir(exist_ok=True)
        write_video(folder / "a" / f"{number}.avi", drawn(4 + number))
    part = Files((folder,))
    return read_rows(part, VideoColumns(), BadRows(), labeled=True).videos


def test_all_clips_are_in_one_file(tmp_path: Path) -> None:
    videos = videos_in(tmp_path)
    found = cache_frames(videos, FORMAT, tmp_path / "steps.npy", BadRows())
    assert found.offsets.tolist() == [0, 4, 9, 15]
    assert found.frames.shape == (15, 8, 12, 1)
    assert isinstance(found.frames, np.memmap)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "steps.npy", "steps.npy.index"]
    np.testing.assert_array_equal(found.frames[9:13], found.frames[:4])


def test_a_killed_process_is_taken_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    videos, path = videos_in(tmp_path), tmp_path / "steps.npy"
    whole = cache_frames(videos, FORMAT, tmp_path / "whole.npy", BadRows())
    read, seen = cache.read_clip, []

    def killed(source, *rest):  # type: ignore[no-untyped-def]
        seen.append(source)
        if source == videos.clips[2]:
            yield next(read(source, *rest))
            raise KeyboardInterrupt
        yield from read(source, *rest)

    monkeypatch.setattr(cache, "read_clip", killed)
    with pytest.raises(KeyboardInterrupt):
        cache_frames(videos, FORMAT, path, BadRows())
    assert not path.exists()
    seen.clear()
    monkeypatch.setattr(cache, "read_clip", lambda *a: seen.append(a[0]) or read(*a))
    found = cache_frames(videos, FORMAT, path, BadRows())
    assert seen == [videos.clips[2]]
    np.testing.assert_array_equal(found.frames, whole.frames)
    assert found.offsets.tolist() == whole.offsets.tolist()


def test_clips_of_another_format_are_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos, path = videos_in(tmp_path, 2), tmp_path / "steps.npy"
    monkeypatch.setattr(Path, "replace", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        cache_frames(videos, FORMAT, path, BadRows())
    monkeypatch.undo()
    found = cache_frames(videos, FrameFormat(10, 4, 4), path, BadRows())
    assert found.frames.shape == (9, 4, 4, 1)
    plain = cache_frames(videos, FrameFormat(10, 4, 4), tmp_path / "plain.npy", BadRows())
    np.testing.assert_array_equal(found.frames, plain.frames)


def test_a_clip_that_breaks_while_it_is_read_is_skipped(tmp_path: Path) -> None:
    videos = videos_in(tmp_path)
    broken = videos.clips[1].path  # type: ignore[union-attr]
    broken.write_bytes(broken.read_bytes()[:-900])
    with pytest.raises(InputError, match=r"1.avi: is cut off"):
        cache_frames(videos, FORMAT, tmp_path / "a.npy", BadRows())
    bad = BadRows(skip=True)
    found = cache_frames(videos, FORMAT, tmp_path / "b.npy", bad)
    assert (bad.count, found.rows.tolist(), found.offsets.tolist()) == (1, [0, 2], [0, 4, 10])


@pytest.mark.remedy
def test_the_disk_is_bounded_before_and_while_it_is_written(tmp_path: Path) -> None:
    videos, path = videos_in(tmp_path), tmp_path / "steps.npy"
    with pytest.raises(InputError, match=r"need about .* GB of disk.*raise --most-disk"):
        cache_frames(videos, FORMAT, path, BadRows(), most_bytes=1000)
    assert not list(tmp_path.glob("steps*"))
    lying = Videos(videos.clips, None, videos.origin, (0.1, 0.1, 0.1))
    with pytest.raises(InputError, match=r"need [\d.e-]+ GB of disk.*raise --most-disk"):
        cache_frames(lying, FORMAT, path, BadRows(), most_bytes=1000)
    assert len(cache_frames(videos, FORMAT, path, BadRows(), most_bytes=2000).rows) == 3


def test_arrays_are_cached_too(tmp_path: Path) -> None:
    frames = drawn(6)[..., 0]
    part = given.one_part(given.Video([frames], ["a"], fps=10))
    videos = read_rows(part, VideoColumns(), BadRows(), labeled=True).videos
    found = cache_frames(videos, FrameFormat(10, 32, 48), tmp_path / "steps.npy", BadRows())
    np.testing.assert_array_equal(found.frames[..., 0], frames)


def test_a_file_that_was_whole_is_taken_up_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    videos, path = videos_in(tmp_path), tmp_path / "steps.npy"
    whole = np.array(cache_frames(videos, FORMAT, path, BadRows()).frames)
    with monkeypatch.context() as patched:
        patched.setattr(cache, "read_clip", None)
        found = cache_frames(videos, FORMAT, path, BadRows())
    np.testing.assert_array_equal(found.frames, whole)
    with pytest.raises(InputError, match="raise --max-seconds"):
        cache_frames(videos, FORMAT, path, BadRows(), VideoLimits(seconds=0.1))
    cache_frames(videos, FORMAT, path, BadRows())
    move_frames(path, tmp_path / "kept" / "steps.npy")
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a", "kept"]


def test_an_image_that_changed_is_read_again(tmp_path: Path) -> None:
    frames = drawn(4)
    folder, path = write_images(tmp_path / "a" / "clip", frames), tmp_path / "steps.npy"
    columns = VideoColumns(fps=10)
    videos = read_rows(Files((tmp_path,)), columns, BadRows(), labeled=True).videos
    before = np.array(cache_frames(videos, FORMAT, path, BadRows()).frames)
    write_image(folder / "frame003.png", 255 - frames[2])
    after = cache_frames(videos, FORMAT, path, BadRows()).frames
    assert [bool((a == b).all()) for a, b in zip(before, after, strict=True)] == [
        *(True, True, False, True)
    ]


def test_a_video_that_went_away_is_named(tmp_path: Path) -> None:
    videos, bad = videos_in(tmp_path), BadRows(skip=True)
    videos.clips[1].path.unlink()  # type: ignore[union-attr]
    found = cache_frames(videos, FORMAT, tmp_path / "steps.npy", bad)
    assert (bad.count, found.rows.tolist()) == (1, [0, 2])
    with pytest.raises(InputError, match=r"1\.avi: no such file"):
        cache_frames(videos, FORMAT, tmp_path / "other.npy", BadRows())
