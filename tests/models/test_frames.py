"""Tests of the encoder of frames: alone or together, whole or in parts, and of a user's own."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from elman.errors import InputError
from elman.models.frames import FrameShape, frame_encoder

SHAPE = FrameShape(20, 14, 2)


def frames_of(*axes: int) -> Tensor:
    draw = torch.Generator().manual_seed(0)
    return torch.randint(256, (*axes, 20, 14, 2), generator=draw, dtype=torch.uint8)


def test_a_frame_alone_is_that_frame_in_a_batch() -> None:
    torch.manual_seed(0)
    encoder, frames = frame_encoder("conv", SHAPE, 6), frames_of(3, 2)
    together = encoder(frames)
    assert together.shape == (3, 2, 6)
    torch.testing.assert_close(encoder(frames[1, 1]), together[1, 1])
    torch.testing.assert_close(encoder(frames.float()), together)
    assert not torch.allclose(together[0, 0], together[1, 1])


def test_black_and_still_is_zero_to_the_convolutions() -> None:
    encoder = frame_encoder("conv", SHAPE, 6)
    entered: list[Tensor] = []
    first = next(m for m in encoder.modules() if isinstance(m, torch.nn.Conv2d))
    first.register_forward_pre_hook(lambda _, given: entered.append(given[0]))
    frames = torch.zeros(1, 20, 14, 2, dtype=torch.uint8)
    frames[..., 1] = 128  # no change
    encoder(frames)
    encoder(frames + torch.tensor([0, 16], dtype=torch.uint8))
    torch.testing.assert_close(entered[0], torch.zeros_like(entered[0]), rtol=0, atol=1e-5)
    torch.testing.assert_close(entered[1][:, 1], torch.full((1, 20, 14), 8 * 16 / 127.5))


def test_many_frames_in_parts_are_the_whole_and_so_are_their_gradients() -> None:
    torch.manual_seed(0)
    encoder, frames = frame_encoder("conv", SHAPE, 6), frames_of(7)
    weights = torch.randn(7, 6)
    found = []
    for at_once in (100, 3):
        encoder._at_once = at_once
        vectors = encoder(frames)
        loss = (weights * vectors).sum()
        found.append([vectors, *torch.autograd.grad(loss, list(encoder.parameters()))])
    for whole, parts in zip(*found, strict=True):
        torch.testing.assert_close(parts, whole, rtol=1e-4, atol=1e-5)


OWN = """
import torch
class Mean(torch.nn.Module):
    def __init__(self, channels, height, width):
        super().__init__()
    def forward(self, x):
        return x.mean((2, 3))
class Flat(Mean):
    def forward(self, x):
        return x
class Narrow(torch.nn.Module):
    def __init__(self, channels):
        super().__init__()
"""


@pytest.fixture
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own_frames.py").write_text(OWN)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.usefixtures("own")
def test_a_class_of_ones_own_encodes_frames_scaled_to_one() -> None:
    encoder = frame_encoder("own_frames:Mean", SHAPE, 6)
    assert encoder.output_size == 2
    black, white = encoder(torch.zeros(20, 14, 2)), encoder(torch.full((20, 14, 2), 255.0))
    assert black.tolist() == [-1, -1]
    torch.testing.assert_close(white, torch.ones(2))


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("own_frames:Flat", "gives (2, 2, 20, 14) for 2 frames"),
        ("own_frames:Narrow", "constructed as Narrow(channels, height, width)"),
        ("own_frames:Nothing", "has no torch.nn.Module class 'Nothing'"),
        ("no_such:Thing", "can't import 'no_such'"),
    ],
)
def test_a_class_that_can_not_encode_is_refused(path: str, says: str) -> None:
    with pytest.raises(InputError) as error:
        frame_encoder(path, SHAPE, 6)
    assert says in str(error.value)
    assert str(error.value).startswith("--encoder")
