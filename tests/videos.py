"""Drawn clips, and a classifier of them that is not trained: its answers are fixed all the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import numpy as np
import torch

from elman.data.video.frame_format import FrameFormat
from elman.models.cells import CellOptions
from elman.predictors.classifier import Architecture, ClassifierPredictor
from elman.predictors.classifier_inputs import Encoder, Schema
from elman.predictors.classifier_videos import VideoEncoder

FORMAT = FrameFormat(rate=10.0, height=8, width=12)
NAMES = ("left", "right", "up")


def clip(frames: int = 30, seed: int = 0, height: int = 24, width: int = 32) -> np.ndarray:
    """(T, h, w) uint8: a bright square that wanders over noise."""
    generator = np.random.default_rng(seed)
    found = generator.integers(0, 60, (frames, height, width), np.uint8)
    place = generator.integers(0, (height - 8, width - 8))
    for frame in found:
        frame[place[0] : place[0] + 8, place[1] : place[1] + 8] = 230
        place = (place + generator.integers(-2, 4, 2)) % (height - 8, width - 8)
    return found


def predictor(
    *, differences: bool = True, bidirectional: bool = False, seed: int = 0, **settings: Any
) -> ClassifierPredictor:
    """One of gray frames, 8 x 12 and 10 a second."""
    torch.manual_seed(seed)
    encoder = Encoder(None, None, None, VideoEncoder(FORMAT, differences, 1.2))
    schema = Schema(NAMES, "one", "video")
    options: dict[str, Any] = {
        "cell": "gru",
        "options": CellOptions(),
        "embedding_size": 6,
        "hidden_size": 7,
        "num_layers": 1,
        "bidirectional": bidirectional,
        "pooling": "last",
        "encoder": "conv",
    }
    architecture = Architecture(**options | settings)
    model = architecture.make(schema, encoder)
    with torch.no_grad():
        model.readout.weight.mul_(8)  # so that answers differ from one frame to the next
    return ClassifierPredictor(model.eval(), schema, encoder, architecture, "watcher")


def write(path: Path, frames: np.ndarray, fps: int = 25, codec: str = "mpeg4") -> Path:
    """A video file of gray frames (T, h, w)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=fps)
        stream.width, stream.height, stream.pix_fmt = frames.shape[2], frames.shape[1], "yuv420p"
        stream.bit_rate = 4_000_000
        for each in frames:
            colour = np.repeat(each[..., None], 3, axis=2)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(colour, format="rgb24")))
        container.mux(stream.encode())
    return path
