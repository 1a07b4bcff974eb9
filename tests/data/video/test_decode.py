"""From files, folders of images and arrays to the same frames."""

from contextlib import suppress
from pathlib import Path

import av
import numpy as np
import pytest

from elman.data.video.clips import Clip, FrameArray, VideoLimits
from elman.data.video.decode import probe, read_clip
from elman.data.video.frame_format import FrameFormat
from elman.errors import InputError
from tests.videos_made import CODECS, drawn, write_images, write_video

FORMAT = FrameFormat(10, 32, 48, colour=True)
LOSSLESS = ("ffv1", "bgr0")


def frames_of(source: Clip | FrameArray, wanted: FrameFormat = FORMAT, **rest) -> np.ndarray:  # type: ignore[no-untyped-def]
    return np.concatenate(list(read_clip(source, wanted, **rest)))


@pytest.mark.parametrize("suffix", CODECS)
def test_containers_are_read(tmp_path: Path, suffix: str) -> None:
    path = write_video(tmp_path / f"a{suffix}", drawn())
    info = probe(path)
    assert (info.frames, info.width, info.height, info.rate) == (12, 48, 32, 10)
    assert info.seconds == pytest.approx(1.2, abs=0.1)
    found = frames_of(Clip(path))
    assert found.shape == (12, 32, 48, 3)
    expected = drawn()
    assert np.abs(found[:, 8:24, 4:20].astype(int) - expected[:, 8:24, 4:20]).mean() < 20


def test_a_file_is_the_array_of_its_frames_to_the_bit(tmp_path: Path) -> None:
    frames = np.random.default_rng(0).integers(0, 255, (15, 20, 30, 3), np.uint8)
    path = write_video(tmp_path / "a.mkv", frames, codec=LOSSLESS)
    folder = write_images(tmp_path / "images", frames)
    for wanted in (FrameFormat(10, 20, 30, True), FrameFormat(7, 9, 11), FrameFormat(25, 40, 8)):
        expected = frames_of(FrameArray(frames, 10.0), wanted)
        np.testing.assert_array_equal(frames_of(Clip(path), wanted), expected)
        np.testing.assert_array_equal(frames_of(Clip(folder, fps=10.0), wanted), expected)


def test_a_stretch_is_the_same_stretch_of_the_array(tmp_path: Path) -> None:
    frames = drawn(20)
    path = write_video(tmp_path / "a.mkv", frames, codec=LOSSLESS)
    folder = write_images(tmp_path / "images", frames)
    for begin, end in ((0.5, 1.0), (0.0, 0.3), (1.2, None)):
        last = None if end is None else round(end * 10)
        expected = frames[round(begin * 10) : last]
        np.testing.assert_array_equal(frames_of(Clip(path, begin, end)), expected)
        np.testing.assert_array_equal(frames_of(Clip(folder, begin, end, 10.0)), expected)


def test_a_late_stretch_is_looked_for(tmp_path: Path) -> None:
    frames = (np.arange(300)[:, None, None, None] * np.ones((1, 16, 16, 3)) / 2).astype(np.uint8)
    wanted = FrameFormat(10, 16, 16)
    for path in (
        write_video(tmp_path / "a.mp4", frames),
        write_video(tmp_path / "a.gif", frames, codec=("gif", "gray")),
        write_video(tmp_path / "a.avi", frames),
    ):
        found = frames_of(Clip(path, 25.0, 26.0), wanted)
        assert len(found) == 10
        assert np.abs(found[:, 8, 8, 0].astype(int) - np.arange(250, 260) // 2).max() <= 6


def test_frames_of_variable_rate_are_read_by_their_times(tmp_path: Path) -> None:
    times = [0, 1, 5, 6, 7]
    path = write_video(tmp_path / "a.mkv", drawn(5), times=times, codec=LOSSLESS)
    found = frames_of(Clip(path))[:, 0, 0, 0]
    shown = [0, 1, 1, 1, 1, 2, 3, 4]
    np.testing.assert_array_equal(found, drawn(5)[shown, 0, 0, 0])


def test_times_before_zero_are_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", drawn(5), times=[-3, -2, -1, 0, 1], codec=LOSSLESS)
    np.testing.assert_array_equal(frames_of(Clip(path)), drawn(5))


def turned(path: Path, quarter: int) -> None:
    """Write a rotation by so many quarters, clockwise, into the matrix of an MP4's track."""
    content = bytearray(path.read_bytes())
    at = content.index(b"tkhd") + 4 + 40
    a, b, c, d = [(1, 0, 0, 1), (0, 1, -1, 0), (-1, 0, 0, -1), (0, -1, 1, 0)][quarter]
    for place, value in zip((0, 4, 12, 16), (a, b, c, d), strict=True):
        content[at + place : at + place + 4] = (value << 16).to_bytes(4, "big", signed=True)
    path.write_bytes(content)


@pytest.mark.parametrize("quarter", [1, 2, 3])
def test_rotation_is_honoured(tmp_path: Path, quarter: int) -> None:
    path = write_video(tmp_path / "a.mp4", drawn())
    plain = frames_of(Clip(path))
    turned(path, quarter)
    info = probe(path)
    size = (32, 48) if quarter % 2 else (48, 32)
    assert (info.width, info.height) == size
    found = frames_of(Clip(path), FrameFormat(10, size[1], size[0], colour=True))
    np.testing.assert_array_equal(found, np.rot90(plain, -quarter, axes=(1, 2)))


def test_long_videos_come_in_blocks() -> None:
    frames = np.broadcast_to(np.zeros((), np.uint8), (5000, 64, 64))
    blocks = [len(b) for b in read_clip(FrameArray(frames, 30.0), FrameFormat(30, 64, 64))]
    assert sum(blocks) == 5000
    assert max(blocks) <= 1024


def test_nothing_reaches_the_terminal(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = write_video(tmp_path / "a.mp4", drawn())
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") + 300
    content[at : at + 400] = bytes(400)
    path.write_bytes(content)
    with suppress(InputError):
        frames_of(Clip(path))
    assert capfd.readouterr() == ("", "")


def refused(source: Clip | FrameArray | Path, **rest) -> str:  # type: ignore[no-untyped-def]
    with pytest.raises(InputError) as error:
        frames_of(Clip(source) if isinstance(source, Path) else source, **rest)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("suffix", CODECS)
@pytest.mark.parametrize("left", [0, 3, 40, 0.5, 0.97])
def test_a_broken_tail_is_named(tmp_path: Path, suffix: str, left: float) -> None:
    path = write_video(tmp_path / f"a{suffix}", drawn(20))
    content = path.read_bytes()
    path.write_bytes(content[: int(left * len(content)) if isinstance(left, float) else left])
    assert refused(path).startswith(f"{path}: is ")


@pytest.mark.parametrize("suffix", CODECS)
def test_mutated_files_are_read_or_refused_in_a_line(tmp_path: Path, suffix: str) -> None:
    content = write_video(tmp_path / f"a{suffix}", drawn(6)).read_bytes()
    generator = np.random.default_rng(0)
    limits = VideoLimits(seconds=60, frames=1000, pixels=100_000)
    path = tmp_path / f"b{suffix}"
    for _ in range(40):
        mutated = bytearray(content)
        for place in generator.integers(0, len(content), generator.integers(1, 6)):
            mutated[place] = generator.integers(0, 256)
        path.write_bytes(mutated)
        message = f"{path}: "
        try:
            frames_of(Clip(path), limits=limits)
        except InputError as error:
            message = str(error)
        assert message.startswith(f"{path}: ")
        assert "\n" not in message


def test_a_claim_of_a_billion_frames_takes_no_memory(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", drawn())
    content = bytearray(path.read_bytes())
    at = content.index(b"stsz") + 12
    content[at : at + 4] = (10**9).to_bytes(4, "big")
    path.write_bytes(content)
    assert "claims 1,000,000,000 frames, above the bound" in refused(path)
    content[at : at + 4] = (10**6).to_bytes(4, "big")
    path.write_bytes(content)
    assert "claims 1,000,000 frames, more than its bytes can hold" in refused(path)
    avi = write_video(tmp_path / "a.avi", drawn())
    content = bytearray(avi.read_bytes())
    content[48:52] = (10**9).to_bytes(4, "little")
    avi.write_bytes(content)
    assert "claims 1,000,000,000 frames" in refused(avi)


def test_bounds_are_checked_before_and_while_it_is_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.webm", drawn())
    assert "48x32 pixels, above the bound" in refused(path, limits=VideoLimits(pixels=1000))
    assert "the bound" in refused(path, limits=VideoLimits(frames=5))
    assert "raise --max-seconds" in refused(path, limits=VideoLimits(seconds=1))
    assert "frames a second, expected" in refused(path, limits=VideoLimits(highest_rate=5))


@pytest.mark.remedy
def test_a_header_that_says_less_than_there_is_gives_no_more_than_the_bound(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", drawn())
    content = bytearray(path.read_bytes())
    at = content.index(b"strh") + 8 + 32
    content[48:52] = content[at : at + 4] = (3).to_bytes(4, "little")
    path.write_bytes(content)
    assert probe(path).seconds == pytest.approx(0.3)
    assert "more than 1.0 s, the bound" in refused(path, limits=VideoLimits(seconds=1))
    assert len(frames_of(Clip(path), limits=VideoLimits(seconds=2))) == 12


@pytest.mark.parametrize("at", [20, 24])
def test_a_rate_of_zero_is_refused(tmp_path: Path, at: int) -> None:
    path = write_video(tmp_path / "a.avi", drawn())
    content = bytearray(path.read_bytes())
    content[32:36] = bytes(4)  # microseconds a frame
    path.write_bytes(content)
    assert len(frames_of(Clip(path))) == 12
    begin = content.index(b"strh") + 8 + at
    content[begin : begin + 4] = bytes(4)
    path.write_bytes(content)
    assert "0 frames a second; write it anew" in refused(path)


@pytest.mark.parametrize("suffix", [".mp4", ".avi"])
def test_a_video_without_frames_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"a{suffix}"
    with av.open(str(path), "w") as container:
        stream = container.add_stream(CODECS[suffix][0], rate=10)
        stream.height, stream.width, stream.pix_fmt = 16, 16, CODECS[suffix][1]
        container.start_encoding()
    said = refused(path)
    assert "holds no frames" in said or "has no video in it" in said


@pytest.mark.remedy
def test_times_that_are_not_there_are_named(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.avi", drawn())
    assert "correct the times" in refused(Clip(path, 0.5, 0.5))
    assert "ends after 1.200 s, but the row at 9 s; correct the times" in refused(Clip(path, 0, 9))
    assert len(frames_of(Clip(path, 0, 1.2))) == 12


def test_what_is_no_video_is_named(tmp_path: Path) -> None:
    assert "no such file" in refused(tmp_path / "none.mp4")
    playlist = tmp_path / "list.mp4"
    playlist.write_text("#EXTM3U\n#EXTINF:1\nfile:/etc/passwd\n")
    assert "is not a video that is read" in refused(playlist)
    sound = tmp_path / "sound.mkv"
    with av.open(str(sound), "w") as container:
        stream = container.add_stream("pcm_s16le", rate=8000)
        made = av.AudioFrame.from_ndarray(np.zeros((1, 800), np.int16), "s16", "mono")
        made.rate = 8000
        container.mux(stream.encode(made))
    assert "has no video in it" in refused(sound)


def test_arrays_that_are_no_videos_are_named() -> None:
    assert "expected uint8" in refused(FrameArray(np.zeros((3, 4, 4)), 10))
    assert "holds no frames" in refused(FrameArray(np.zeros((0, 4, 4), np.uint8), 10))
    assert "0 frames a second" in refused(FrameArray(np.zeros((3, 4, 4), np.uint8), 0))


@pytest.mark.remedy
def test_images_have_numbers_without_gaps_and_a_rate(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", drawn(4))
    assert "give --fps" in refused(Clip(folder))
    (folder / "frame003.png").rename(folder / "frame006.png")
    message = refused(Clip(folder, fps=10))
    assert "image 3 is missing, between frame002.png and frame004.png; add it" in message
    (folder / "frame006.png").rename(folder / "frame003.png")
    assert len(frames_of(Clip(folder, fps=10))) == 4
    (folder / "cover.png").write_bytes((folder / "frame001.png").read_bytes())
    assert "no number in its name" in refused(Clip(folder, fps=10))
    (folder / "cover.png").rename(folder / "frame005.png")
    assert len(frames_of(Clip(folder, fps=10))) == 5
    (folder / "frame005.png").write_bytes(b"\x89PNG nothing")
    assert "is not an image that can be read" in refused(Clip(folder, fps=10))


def test_images_of_several_sizes_are_named(tmp_path: Path) -> None:
    folder = write_images(tmp_path / "a", drawn(2))
    other = write_images(tmp_path / "b", drawn(1, 16, 16), first=3)
    (other / "frame003.png").rename(folder / "frame003.png")
    assert "change from 48x32 to 16x16 pixels" in refused(Clip(folder, fps=10))
