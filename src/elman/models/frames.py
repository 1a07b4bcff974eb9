"""What a frame of video becomes before the recurrent layers: a small convolutional network.

Legend: N frames, T time, B batch, H height, W width, C channels of an item, F maps, E width of an
encoded frame.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from elman.errors import InputError
from elman.models.cells import own_module

_LEAST = 4
"""Convolutions halve a frame until its longer side is at most so many pixels."""

_STILL = 128
"""What a difference of nothing is, as a byte; see `elman.data.video.differences`."""

_LEVELS, _CHANGES = 2.0, 8.0
"""What levels and changes between -1 and 1 are multiplied by before the first convolution."""

_WIDEST = 64
_PER_GROUP = 8
"""The most maps of a convolution, and those that are normalized together."""

_AT_ONCE = 1 << 21
"""Numbers of the input that are encoded at a time: 512 frames of 64 x 64. What the convolutions
keep of a frame is some 25 times as large."""


@dataclass(frozen=True)
class FrameShape:
    """The shape of an item: a frame, and its difference from the one before where that is given.

    Attributes:
        height: H.
        width: W.
        channels: C, those of the frame and of the difference together.
    """

    height: int
    width: int
    channels: int

    def halved(self, maps: int) -> FrameShape:
        """That of `maps` maps of half the size."""
        return FrameShape((self.height + 1) // 2, (self.width + 1) // 2, maps)

    @property
    def longest(self) -> int:
        return max(self.height, self.width)

    @property
    def numbers(self) -> int:
        return self.height * self.width * self.channels


def scaled(frames: Tensor, dtype: torch.dtype) -> Tensor:
    """Frames (N, H, W, C), 0 to 255, as (N, C, H, W) from -1 to 1, channels last in memory."""
    return (frames.to(dtype) / 127.5 - 1).permute(0, 3, 1, 2)


def convolutions(shape: FrameShape, maps: int, least: int) -> tuple[nn.Sequential, FrameShape]:
    """Convolutions, each of which halves a frame, until its longer side is at most `least`.

        x' = relu(group_norm(conv(x))),   3 x 3, stride 2, twice the maps of the one below, up to 64

    The normalization (Wu & He 2018) is over one frame, so a frame means the same whatever stands
    beside it.
    """
    parts: list[nn.Module] = []
    while shape.longest > least:
        smaller = shape.halved(maps)
        parts += [
            nn.Conv2d(shape.channels, maps, 3, stride=2, padding=1, bias=False),
            nn.GroupNorm(max(maps // _PER_GROUP, 1), maps),
            nn.ReLU(inplace=True),
        ]
        shape, maps = smaller, min(2 * maps, _WIDEST)
    network = nn.Sequential(*parts).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return network, shape


class Convolutions(nn.Module):
    """Strided convolutions and a linear layer that keeps where things are: (N, C, H, W) -> (N, E).

    Black and what does not change are zero to the first convolution, and changes count more than
    levels, as they are smaller: with a background of -1, which fills most of a frame, and faint
    changes beside it, training began hundreds of steps later.

    Args:
        shape: H, W and C.
        output_size: E.
        maps: those of the first convolution.
    """

    zeros: Tensor
    gains: Tensor

    def __init__(self, shape: FrameShape, output_size: int, maps: int = 16) -> None:
        super().__init__()
        self.convolutions, small = convolutions(shape, maps, _LEAST)
        self.linear = nn.Linear(small.numbers, output_size)
        self.norm = nn.LayerNorm(output_size)
        self.output_size = output_size
        # Half of an even number of channels are differences: a frame has 1 or 3.
        levels = shape.channels // 2 if shape.channels % 2 == 0 else shape.channels
        changes = shape.channels - levels
        still = _STILL / 127.5 - 1
        zeros = torch.tensor([-1.0] * levels + [still] * changes)
        gains = torch.tensor([_LEVELS] * levels + [_CHANGES] * changes)
        self.register_buffer("zeros", zeros[:, None, None], persistent=False)
        self.register_buffer("gains", gains[:, None, None], persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        maps = self.convolutions((x - self.zeros) * self.gains)
        return torch.relu(self.norm(self.linear(maps.flatten(1))))


class FrameEncoder(nn.Module):
    """Frames (…, H, W, C) of 0 to 255, such as uint8, to vectors (…, E).

    They are scaled to -1 … 1 and go through `network`; many of them a part at a time. In training
    what a part computed is computed again in the backward pass where there are several parts, so
    that memory is bounded by one part.

    Args:
        network: (N, C, H, W) -> (N, E). It must treat each frame by itself.
        shape: H, W and C.

    Raises:
        InputError: a network that does not give a vector for each frame.
    """

    def __init__(self, network: nn.Module, shape: FrameShape) -> None:
        super().__init__()
        self.network, self.shape = network, shape
        self._at_once = max(_AT_ONCE // shape.numbers, 1)
        known = getattr(network, "output_size", None)
        self.output_size: int = self._tried() if known is None else int(known)

    def forward(self, frames: Tensor) -> Tensor:
        flat = frames.reshape(-1, *frames.shape[-3:])
        vectors = in_parts(self._encode, flat, self._at_once)
        return vectors.reshape(*frames.shape[:-3], vectors.shape[-1])

    def _encode(self, frames: Tensor) -> Tensor:
        return cast("Tensor", self.network(scaled(frames, self._dtype)))

    @property
    def _dtype(self) -> torch.dtype:
        own = next(self.network.parameters(), None)
        return torch.get_default_dtype() if own is None else own.dtype

    def _tried(self) -> int:
        """E, found by encoding black frames."""
        shape = self.shape
        black = torch.zeros(2, shape.height, shape.width, shape.channels, dtype=torch.uint8)
        name = type(self.network).__name__
        training = self.network.training
        try:
            with torch.no_grad():
                found = self.network.eval()(scaled(black, self._dtype))
        except (RuntimeError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"--encoder: {name} fails on frames (2, {shape.channels}, {shape.height},"
                f" {shape.width}): {reason}"
            ) from error
        finally:
            self.network.train(training)
        if not isinstance(found, Tensor) or found.dim() != 2 or len(found) != 2:
            got = tuple(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise InputError(
                f"--encoder: {name} should turn frames (N, C, H, W) into vectors (N, E), but gives"
                f" {got} for 2 frames"
            )
        return found.shape[1]


def in_parts(encode: Callable[[Tensor], Tensor], x: Tensor, at_once: int) -> Tensor:
    """`encode` over the first axis of x, `at_once` at a time; several parts are computed again."""
    if len(x) <= at_once:
        return encode(x)
    again = torch.is_grad_enabled()
    parts = [
        cast("Tensor", checkpoint(encode, part, use_reentrant=False)) if again else encode(part)
        for part in torch.split(x, at_once)
    ]
    return torch.cat(parts)


def frame_encoder(encoder: str, shape: FrameShape, output_size: int) -> FrameEncoder:
    """The encoder of single frames that `--encoder` names: `conv`, or a class of one's own.

    `package.module:Class` is constructed as `Class(channels, height, width)` and maps frames
    (N, C, H, W) from -1 to 1 to vectors (N, E), of a width of its own choice.

    Raises:
        InputError: an unknown name, or a class that can't be imported, constructed or run.
    """
    if encoder == "conv":
        return FrameEncoder(Convolutions(shape, output_size), shape)
    sizes = {"channels": shape.channels, "height": shape.height, "width": shape.width}
    return FrameEncoder(own_module("--encoder", encoder, sizes), shape)
