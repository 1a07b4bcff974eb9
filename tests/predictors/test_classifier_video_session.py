"""A classifier of video as it sees: raw frames, arrays and files in, running answers out."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from elman.data.video.clips import FrameArray
from elman.data.video.decode import read_clip
from elman.data.video.frame_format import FrameFormat
from elman.errors import InputError
from elman.predictors.classifier import ClassifierPredictor
from elman.predictors.classifier_videos import VideoEncoder
from elman.streaming.session import Snapshot
from tests import videos
from tests.predictors import contract

CUTS = settings(max_examples=5, deadline=None)
RAW: dict[str, Any] = {"raw": "32x24", "fps": 25.0, "every": 0}


@pytest.fixture(scope="module")
def watcher() -> ClassifierPredictor:
    return videos.predictor()


def same(got: list[Any], wanted: list[Any]) -> None:
    names = ["begin", "end", "predicted" if "predicted" in (wanted or [{}])[0] else "label"]
    for name in names:
        assert [row[name] for row in got] == [row[name] for row in wanted]
    for row, expected in zip(got, wanted, strict=True):
        assert row["probability"] == pytest.approx(expected["probability"], abs=1e-5)


def whole(predictor: ClassifierPredictor, frames: np.ndarray, fps: float) -> np.ndarray:
    """(K,) what the network says of a clip, read at once."""
    encoder = predictor.encoder.videos
    assert encoder is not None
    read = np.concatenate(list(read_clip(FrameArray(frames, fps), encoder.format)))
    items = torch.from_numpy(encoder.items(read))
    with torch.no_grad():
        logits = predictor.model(items[:, None], torch.tensor([len(items)]))[0]
    return (logits / predictor.model.temperature).softmax(-1).numpy()


@pytest.mark.parametrize(("frames", "fps"), [(1, 25.0), (30, 25.0), (30, 4.0), (21, 10.0)])
@pytest.mark.parametrize("differences", [True, False])
def test_frame_by_frame_is_the_whole_clip(frames: int, fps: float, *, differences: bool) -> None:
    predictor = videos.predictor(differences=differences)
    clip = videos.clip(frames, seed=frames)
    wanted = whole(predictor, clip, fps)
    one_by_one = contract.answers_of(predictor.session(fps=fps), clip)
    at_once = contract.answers_of(predictor.session(fps=fps), [clip])
    raw = contract.answers_of(predictor.session(raw="32x24", fps=fps), [clip.tobytes()])
    for rows in (one_by_one, at_once, raw):
        assert rows[-1]["end"] == pytest.approx(frames / fps, abs=0.11)
        got = [rows[-1][f"p_{name}"] for name in videos.NAMES]
        np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)


def test_colour_is_read_as_its_gray(watcher: ClassifierPredictor) -> None:
    clip = videos.clip(9)
    colour = np.repeat(clip[..., None], 3, axis=3)
    wanted = contract.answers_of(watcher.session(**RAW), [clip.tobytes()])
    got = contract.answers_of(watcher.session(**RAW, pixels="rgb24"), [colour.tobytes()])
    for row, expected in zip(got, wanted, strict=True):
        assert row["probability"] == pytest.approx(expected["probability"], abs=0.02)


@CUTS
@given(data=st.data(), over=st.sampled_from([None, 0.6]), segments=st.booleans())
def test_any_cut_and_any_stop_is_the_whole(
    watcher: ClassifierPredictor, data: st.DataObject, over: float | None, *, segments: bool
) -> None:
    options = {**RAW, "over": over, "segments": segments}
    if segments:
        options |= {"every": None, "shortest": 0.2}
    sequence = videos.clip(40, seed=3).tobytes()
    options = {name: value for name, value in options.items() if value is not None}
    contract.any_cut_and_any_stop_is_the_whole(watcher, sequence, data, same, **options)


def test_it_goes_on_in_a_new_process(watcher: ClassifierPredictor, tmp_path: Path) -> None:
    sequence = videos.clip(25, seed=5).tobytes()
    contract.goes_on_in_a_new_process(watcher, tmp_path, sequence, 10_007, same, **RAW)


def test_saved_and_loaded_it_answers_the_same(watcher: ClassifierPredictor, tmp_path: Path) -> None:
    sequence = videos.clip(12, seed=6).tobytes()
    contract.saved_and_loaded_is_the_same(watcher, tmp_path, sequence, same, **RAW)


@CUTS
@given(data=st.data())
def test_damaged_snapshots_are_refused(watcher: ClassifierPredictor, data: st.DataObject) -> None:
    sequence = videos.clip(5).tobytes()
    contract.damaged_snapshots_are_refused(watcher, sequence, data, **RAW, over=0.6)


def test_a_frame_that_its_owner_writes_over_is_kept(watcher: ClassifierPredictor) -> None:
    clip = videos.clip(10)
    buffer, session, rows = np.empty_like(clip[0]), watcher.session(fps=25.0, every=0), []
    for frame in clip:
        buffer[:] = frame
        rows += session.push(buffer)
    same(rows + session.flush(), contract.answers_of(watcher.session(fps=25.0, every=0), clip))


def test_over_a_while_it_forgets(watcher: ClassifierPredictor) -> None:
    clip = videos.clip(60, seed=8)
    rows = contract.answers_of(watcher.session(fps=10.0, over=1.2, every=0), [clip])
    row = rows[-1]
    assert row["begin"] > 0
    first = round(row["begin"] * 10)
    # The first frame after a restart is compared with the one before it, as the network sees it.
    encoder = watcher.encoder.videos
    assert encoder is not None
    read = np.concatenate(list(read_clip(FrameArray(clip, 10.0), encoder.format)))
    items = torch.from_numpy(encoder.items(read))[first:, None]
    with torch.no_grad():
        wanted = watcher.model(items, torch.tensor([len(items)]))[0].softmax(-1)
    got = [row[f"p_{name}"] for name in videos.NAMES]
    np.testing.assert_allclose(got, wanted.numpy(), rtol=0, atol=1e-5)


def test_memory_is_constant(watcher: ClassifierPredictor) -> None:
    session, sizes = watcher.session(fps=25.0, segments=True), []
    for seed in range(12):
        session.push(videos.clip(25, seed))
        sizes.append(len(session.state.to_bytes()))
    assert max(sizes[2:]) - min(sizes[2:]) < 100


@pytest.mark.fault
@pytest.mark.remedy
def test_a_truncated_frame_is_said_after_what_came_before(watcher: ClassifierPredictor) -> None:
    data = videos.clip(9).tobytes()
    session = watcher.session(**RAW)
    session.push(data[:-100])
    with pytest.raises(
        InputError, match=r"byte 6,812 in the middle of a frame; give whole frames of 768 bytes"
    ) as error:
        session.flush()
    assert error.value.answers
    assert "\n" not in str(error.value)
    rows = contract.answers_of(session, [data])  # the next stream begins anew
    same(rows, contract.answers_of(watcher.session(**RAW), [data]))


@pytest.mark.fault
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"raw": "32x24"}, "--raw: bare pixels do not say their rate; add --fps"),
        ({"raw": "32x24", "fps": 0.0}, "--fps 0: expected frames a second from 0.01 to 1,000"),
        ({"raw": "32x24", "fps": 1e9}, r"--fps 1e\+09: expected frames a second"),
        ({"raw": "32", "fps": 25.0}, "--raw 32: expected WIDTHxHEIGHT"),
        ({"raw": "0x24", "fps": 25.0}, "--raw 0x24: expected WIDTHxHEIGHT"),
        ({"raw": "99999x99999", "fps": 25.0}, "at most 35,389,440 of them"),
        ({"pixels": "gray"}, "--pixels: of bare pixels; add --raw"),
        ({"rate": 8000}, "--rate: for audio, but this classifier reads video"),
        ({"segments": True, "every": 1.0}, "--every: segments come as they end"),
        ({"shortest": 1.0}, "--shortest: for segments; add --segments"),
    ],
)
def test_options_that_cannot_be_are_one_line(
    watcher: ClassifierPredictor, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(InputError, match=message) as error:
        watcher.session(**options)
    assert "\n" not in str(error.value)


@pytest.mark.fault
def test_frames_that_cannot_be_read_are_one_line(watcher: ClassifierPredictor) -> None:
    session = watcher.session(fps=25.0)
    clip = videos.clip(8)
    before = session.push(clip)
    for wrong in (clip[0].astype(np.float32), np.zeros(5, np.uint8), clip[:, :0], None, "a"):
        with pytest.raises(InputError, match="expected bytes, or frames of uint8") as error:
            session.push(wrong)
        assert "\n" not in str(error.value)
    with pytest.raises(InputError, match="bytes after arrays; end the stream first"):
        session.push(b"abc")
    same(before + session.flush(), contract.answers_of(watcher.session(fps=25.0), [clip]))
    session.push(clip)
    with pytest.raises(InputError, match="frames change from 32x24 to 24x32 pixels"):
        session.push(clip.swapaxes(1, 2))
    with pytest.raises(InputError, match="frames change"):  # a fault stays
        session.push(clip)
    session.reset()
    assert session.push(clip)
    with pytest.raises(InputError, match="do not say their rate; give session"):
        watcher.session().push(clip)


@pytest.mark.fault
def test_a_snapshot_of_no_numbers_or_of_other_options_is_refused(
    watcher: ClassifierPredictor,
) -> None:
    session = watcher.session(**RAW)
    session.push(videos.clip(6).tobytes()[:4000])
    kept = session.state
    state = {name: torch.full_like(each, torch.nan) for name, each in kept.states["model"].items()}
    poisoned = Snapshot(
        kept.kind,
        kept.model,
        {"model": type(kept.states["model"]).with_axes(state, kept.states["model"].axes)},
        kept.tensors,
        kept.values,
    )
    with pytest.raises(InputError, match="is not finite"):
        session.state = poisoned
    assert session.state.to_bytes() == kept.to_bytes()
    with pytest.raises(InputError, match="other --raw, --pixels or --fps"):
        watcher.session(raw="24x32", fps=25.0).state = kept
    with pytest.raises(InputError, match="other --over or --segments"):
        watcher.session(**RAW, over=1.0).state = kept


def test_two_directions_cannot_stream() -> None:
    with pytest.raises(InputError, match="--no-bidirectional"):
        videos.predictor(bidirectional=True).session()


@pytest.mark.parametrize("seconds", [-1.0, 0.0, float("inf"), float("nan"), None, "x"])
def test_clips_of_no_length_are_refused(seconds: object) -> None:
    known = VideoEncoder(FrameFormat(10, 12, 12))
    assert VideoEncoder.of(known.settings()) == known
    with pytest.raises(ValueError, match="clip"):
        VideoEncoder.of({**known.settings(), "clip_seconds": seconds})
