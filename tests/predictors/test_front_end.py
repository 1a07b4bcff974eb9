"""A front end gives a stream the frames of the whole recording."""

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from elman.data.audio.filter_bank import FilterBank
from elman.data.labeled.rows import Floats
from elman.data.labeled.standardize import Standardizer
from elman.errors import InputError
from elman.predictors.front_end import FrontEnd, raw_frames

BANK = FilterBank(rate=8000, bins=20)
SCALE = Standardizer(tuple(np.linspace(5, 9, 20)), tuple(np.linspace(1, 3, 20)))
FRONT_END = FrontEnd(BANK, SCALE, tail=0.1)
FEATURES = FrontEnd(None, SCALE)


def noise(samples: int) -> Floats:
    return np.random.default_rng(0).normal(0, 0.1, samples).astype(np.float32)


def test_the_frames_are_scaled_and_end_in_silence() -> None:
    frames = FRONT_END.frames(noise(2000))
    assert frames.shape == (BANK.count(2800), FRONT_END.bins)
    np.testing.assert_array_equal(frames, SCALE.apply(raw_frames(BANK, noise(2000), 0.1)))
    silence = SCALE.apply(np.zeros((1, 20), np.float32))
    np.testing.assert_array_equal(frames[-3:], np.repeat(silence, 3, axis=0))


@given(st.lists(st.integers(0, 900), max_size=8), st.integers(0, 3000))
def test_any_chunks_give_the_frames_of_the_whole(sizes: list[int], length: int) -> None:
    samples, stream = noise(length), FRONT_END.stream()
    chunks = np.split(samples, np.minimum(np.cumsum(sizes, dtype=int), length))
    for _ in range(2):  # a flush begins anew
        found = [stream.push(chunk) for chunk in chunks]
        assert stream.count == sum(map(len, found))
        found.append(stream.flush())
        assert stream.count == 0
        np.testing.assert_array_equal(np.concatenate(found), FRONT_END.frames(samples))


@given(st.integers(0, 1500))
def test_a_stream_goes_on_from_the_state_of_another(at: int) -> None:
    first, second = FRONT_END.stream(), FRONT_END.stream()
    second.push(noise(321))
    first.push(noise(1500)[:at])
    second.state = first.state
    np.testing.assert_array_equal(first.push(noise(1500)[at:]), second.push(noise(1500)[at:]))
    assert first.count == second.count
    np.testing.assert_array_equal(first.flush(), second.flush())


def test_a_state_is_a_copy() -> None:
    stream = FRONT_END.stream()
    stream.push(noise(1000))
    kept = {name: tensor.clone() for name, tensor in stream.state.items()}
    state = stream.state
    stream.push(noise(1000))
    assert all(torch.equal(state[name], kept[name]) for name in kept)


def test_features_are_only_scaled() -> None:
    stream, frames = FEATURES.stream(), noise(100).reshape(5, 20)
    found = np.concatenate([stream.push(frames[:2]), stream.push(frames[2:]), stream.flush()])
    np.testing.assert_array_equal(found, SCALE.apply(frames))
    stream.push(frames[:2])
    assert int(stream.state["count"]) == 2


@pytest.mark.parametrize("state", [{"samples": 1, "count": -1}, {"samples": 300, "count": 1}])
@pytest.mark.parametrize("front_end", [FRONT_END, FEATURES])
def test_a_state_of_something_else_is_refused(front_end: FrontEnd, state: dict[str, int]) -> None:
    stream = front_end.stream()
    with pytest.raises(ValueError, match=r"no state of a stream|expected less than a window"):
        stream.state = {
            "samples": torch.zeros(state["samples"]),
            "count": torch.tensor(state["count"]),
        }


@pytest.mark.parametrize("front_end", [FRONT_END, FEATURES])
def test_settings_and_files_give_it_back(front_end: FrontEnd) -> None:
    settings = json.loads(json.dumps(front_end.settings()))
    assert FrontEnd.of(settings, front_end.files(), "here") == front_end


def test_a_damaged_scaling_is_named() -> None:
    with pytest.raises(InputError, match=r"here: scaler\.json"):
        FrontEnd.of(FRONT_END.settings(), {"scaler.json": b"{}"}, "here")


@pytest.mark.parametrize(
    "change", [{"tail": -1}, {"tail": 2**63}, {"rate": 2**63}, {"bins": 2**63}]
)
def test_settings_out_of_bounds_are_refused(change: dict[str, int]) -> None:
    settings = json.loads(json.dumps(FRONT_END.settings()))
    (settings if "tail" in change else settings["bank"]).update(change)
    with pytest.raises(ValueError, match=r"a tail of|expected at most 4096 bins"):
        FrontEnd.of(settings, FRONT_END.files(), "here")
