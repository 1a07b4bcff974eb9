"""How many times faster than real time a video is decoded and classified on one core.

Time is that of the processor, over the minimum of some repeats: what else is running counts little.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import torch

from benchmarks.quality.running import Options
from benchmarks.quality.video.clips import Frames, write_mp4
from benchmarks.results import circumstances, table, write_section
from elman.data.video.clips import Clip, VideoLimits
from elman.data.video.decode import read_clip
from elman.data.video.frame_format import FrameFormat
from elman.models.cells import CellOptions
from elman.predictors.classifier import Architecture, ClassifierPredictor
from elman.predictors.classifier_inputs import Encoder, Schema
from elman.predictors.classifier_videos import VideoEncoder

RATE, SIDE, SECONDS, REPEATS, AIM = 30, 64, 60, 5, 10
SOURCES = ((64, 64), (240, 320))
"""Height and width of the videos that are read."""
FORMAT = FrameFormat(rate=RATE, height=SIDE, width=SIDE)
HIDDEN, CLASSES, CHUNK = 128, 10, 30


def speed(options: Options) -> None:
    """Whole clips and streams, and decoding alone."""
    torch.set_num_threads(1)
    one_way, both = untrained(bidirectional=False), untrained(bidirectional=True)
    lines = []
    for height, width in SOURCES:
        path = options.out / f"video-speed-{width}x{height}.mp4"
        if not path.exists():
            write_mp4(path, scene(height, width), RATE)
        kinds: list[tuple[str, Callable[[], object]]] = [
            ("clip, one direction", partial(_whole, one_way, path)),
            ("clip, two directions", partial(_whole, both, path)),
            ("decoding alone", partial(_decode, path)),
        ]
        lines += [[what, f"{width} x {height}", f"**{_best(work):.0f}**"] for what, work in kinds]
    frames = np.stack(list(scene(SIDE, SIDE)))
    lines.append(
        [
            "stream of frames, one direction",
            f"{SIDE} x {SIDE}, in memory",
            f"**{_best(partial(_stream, one_way, frames)):.0f}**",
        ]
    )
    parameters = sum(p.numel() for p in one_way.network.parameters())
    body = f"""\
Seconds of video for a second of one core; the aim is at least {AIM}.

{table(("what", "video", "times real time"), lines)}

{SECONDS} s of H.264 at {RATE} frames a second with a ball over noise, of which the network reads
each frame as {SIDE} x {SIDE} pixels and its difference from the one before; the default encoder and
a GRU of {HIDDEN} units, {parameters:,} parameters in one direction; a stream brings {CHUNK} frames
at a time. Fresh weights, the least of {REPEATS} repeats of processor time.

{circumstances(options.command, 1)}"""
    write_section("Video, speed", body)


def untrained(*, bidirectional: bool) -> ClassifierPredictor:
    """A classifier with fresh weights."""
    torch.manual_seed(1)
    encoder = replace(Encoder(None, None), videos=VideoEncoder(FORMAT, differences=True))
    schema = Schema(tuple(f"class {n}" for n in range(CLASSES)), "one", "video")
    architecture = Architecture(
        "gru", CellOptions(), HIDDEN, HIDDEN, 1, bidirectional, "attention", encoder="conv"
    )
    model = architecture.make(schema, encoder).eval()
    return ClassifierPredictor(model, schema, encoder, architecture)


def scene(height: int, width: int, seconds: int = SECONDS, rate: int = RATE) -> Iterator[Frames]:
    """Frames (height, width) of a ball that goes round over noise that moves with it."""
    generator = np.random.default_rng(1)
    noise = generator.integers(0, 64, (2 * height, 2 * width), np.uint8)
    rows, columns = np.mgrid[:height, :width]
    for number in range(seconds * rate):
        angle = 2 * np.pi * number / (2 * rate)
        middle = height * (0.5 + 0.3 * np.sin(angle)), width * (0.5 + 0.3 * np.cos(angle))
        near = (rows - middle[0]) ** 2 + (columns - middle[1]) ** 2 < (height / 8) ** 2
        shift = number % height
        frame = noise[shift : shift + height, shift % width : shift % width + width]
        yield np.where(near, np.uint8(220), frame)


def _whole(predictor: ClassifierPredictor, path: Path) -> None:
    list(predictor.predict(path))


def _decode(path: Path) -> None:
    for _ in read_clip(Clip(path), FORMAT, VideoLimits()):
        pass


def _stream(predictor: ClassifierPredictor, frames: Frames) -> None:
    session = predictor.session(fps=RATE)
    for start in range(0, len(frames), CHUNK):
        session.push(frames[start : start + CHUNK])
    session.flush()


def _best(work: Callable[[], object]) -> float:
    """Seconds of video a second of processor time."""
    work()
    times = []
    for _ in range(REPEATS):
        began = process_time()
        work()
        times.append(process_time() - began)
    return SECONDS / min(times)
