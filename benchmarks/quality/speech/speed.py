"""Real-time factor of a stream on one core, beside the time that reading the weights alone takes.

Time is that of the processor, over the minimum of some repeats: what else is running counts little.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from time import process_time

import numpy as np
import torch

from benchmarks.quality.running import Options
from benchmarks.results import circumstances, table, write_section
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.transcripts import Spelling
from elman.data.labeled.standardize import Standardizer
from elman.data.tokenizer import Tokenizer, train_tokenizer
from elman.models.cells import CellOptions
from elman.predictors.front_end import FrontEnd
from elman.predictors.recognizer import Architecture, RecognizerPredictor

RATE = 16_000
SECONDS = 30
REPEATS = 5
CHUNKS = (100, 10)
"""Milliseconds."""
ALLOWED = {"AVX512": (0.01, 0.05), "AVX2": (0.02, 0.10)}
"""The aim for each of the chunks, by what the processor can do."""
LAYERS, HIDDEN, WINDOW, STRIDE = 3, 256, 8, 4
LETTERS = "abcdefghijklmnopqrstuvwxyz' "


def speed(options: Options) -> None:
    """The whole path in chunks, its parts alone, and the physical limit."""
    torch.set_num_threads(1)
    predictor = untrained()
    samples = _speech_like()
    pcm = samples.astype("<i2").tobytes()
    scaled = (samples / 32768).astype(np.float32)
    whole = {chunk: _best(partial(_stream, predictor, pcm, chunk)) for chunk in CHUNKS}
    features = _best(partial(predictor.front_end.frames, scaled))
    floor = _reading(predictor)
    capability = torch.backends.cpu.get_cpu_capability()
    aims = ALLOWED.get(capability, ALLOWED["AVX2"])
    rows = [
        [f"stream in chunks of {chunk} ms", f"**{whole[chunk]:.4f}**", f"at most {aim}"]
        for chunk, aim in zip(CHUNKS, aims, strict=True)
    ]
    rows += [
        ["features of the whole alone", f"{features:.4f}", ""],
        ["physical limit: each weight read once a step", f"{floor:.4f}", ""],
    ]
    parameters = sum(p.numel() for p in predictor.network.parameters())
    per_second = 1 / predictor.step_seconds
    body = f"""\
Seconds of one core for a second of audio: 16-bit PCM to text (bytes, features, network, greedy
search) through `predictor.session()`, {LAYERS} layers of LSTM {HIDDEN} in one direction,
{parameters:,} parameters, {per_second:.0f} network steps a second, {RATE:,} Hz.

{table(("what", "real-time factor", f"aim on {capability}"), rows)}

The physical limit is the time that torch's product of a matrix and a vector takes for the same
weights, {per_second:.0f} times a second: a stream has nothing to do with a weight but to read it
and use it once. Chunks of more than a step share the reading in the products with the input.
Fresh weights, {SECONDS} s of tones and noise, the least of {REPEATS} repeats of processor time.

{circumstances(options.command, 1)}"""
    write_section("Speech, speed of a stream", body)


def untrained() -> RecognizerPredictor:
    """A recognizer with fresh weights."""
    torch.manual_seed(1)
    bank = FilterBank(rate=RATE, bins=40)
    scale = Standardizer((15.0,) * 40, (4.0,) * 40)
    tokenizer: Tokenizer = train_tokenizer("char", [LETTERS], len(LETTERS))
    architecture = Architecture(
        "lstm", CellOptions(), WINDOW, STRIDE, "stack", HIDDEN, LAYERS, bidirectional=False
    )
    model = architecture.make(40, tokenizer.vocab_size).eval()
    front_end = FrontEnd(bank, scale, 0.2)
    return RecognizerPredictor(model, tokenizer, front_end, architecture, Spelling())


def _stream(predictor: RecognizerPredictor, pcm: bytes, milliseconds: int) -> None:
    session = predictor.session(rate=RATE)
    size = 2 * RATE * milliseconds // 1000
    for start in range(0, len(pcm), size):
        session.push(pcm[start : start + size])
    session.flush()


def _speech_like() -> np.ndarray:
    """Tones that come and go, with noise: something for every bin."""
    generator = np.random.default_rng(1)
    time = np.arange(SECONDS * RATE) / RATE
    tones = sum(np.sin(2 * np.pi * f * time) for f in (150, 700, 1800, 3200))
    loud = np.sin(2 * np.pi * 2 * time).clip(0)
    return 3000 * loud * tones + 100 * generator.standard_normal(len(time))


def _reading(predictor: RecognizerPredictor) -> float:
    """Real-time factor of one product with a vector of each matrix of the network, every step."""
    matrices = [p.detach() for p in predictor.network.parameters() if p.dim() == 2]
    vectors = [torch.ones(m.shape[1]) for m in matrices]
    outs = [torch.empty(m.shape[0]) for m in matrices]
    steps = round(SECONDS / predictor.step_seconds)

    def read() -> None:
        for _ in range(steps):
            for matrix, vector, out in zip(matrices, vectors, outs, strict=True):
                torch.mv(matrix, vector, out=out)

    return _best(read)


def _best(work: Callable[[], object]) -> float:
    work()
    times = []
    for _ in range(REPEATS):
        began = process_time()
        work()
        times.append(process_time() - began)
    return min(times) / SECONDS
