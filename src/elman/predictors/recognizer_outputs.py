"""What a recognizer computes for rows of frames: log-probabilities, a row each, in order.

Legend: T frames, S network steps, F bins, K outputs.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from torch import Tensor

from elman.data.batching import padded
from elman.data.labeled.rows import Floats
from elman.models.acoustic import AcousticModel
from elman.streaming.stream import evaluating

FRAMES_AT_ONCE = 1 << 15
"""The most frames, padding included, that go through the network side by side, and the most of a
single row that a network of one direction reads at once."""

_ROWS_AT_ONCE = 64
"""Of so many rows, those of like length are computed side by side."""


def log_probs_of(model: AcousticModel, rows: Iterable[Floats]) -> Iterator[Tensor]:
    """Log-probabilities (S, K) of each row of normalized frames (T, F), in order.

    Rows are taken as they are needed, some dozens ahead.
    """
    with evaluating(model), torch.inference_mode():
        for group in _groups(rows):
            found: dict[int, Tensor] = {}
            for chosen in _alike([len(row) for row in group]):
                each = [group[place] for place in chosen]
                found.update(zip(chosen, _side_by_side(model, each), strict=True))
            yield from (found[place] for place in range(len(group)))


def _groups(rows: Iterable[Floats]) -> Iterator[list[Floats]]:
    """The rows, so many at a time that they need not much memory."""
    group: list[Floats] = []
    frames = 0
    for row in rows:
        group.append(row)
        frames += len(row)
        if len(group) == _ROWS_AT_ONCE or frames > 4 * FRAMES_AT_ONCE:
            yield group
            group, frames = [], 0
    if group:
        yield group


def _alike(lengths: list[int]) -> Iterator[list[int]]:
    """The places of rows of like length, of at most `FRAMES_AT_ONCE` padded frames together."""
    order = sorted(range(len(lengths)), key=lambda place: lengths[place])
    chosen: list[int] = []
    for place in order:
        if chosen and (len(chosen) + 1) * lengths[place] > FRAMES_AT_ONCE:
            yield chosen
            chosen = []
        chosen.append(place)
    if chosen:
        yield chosen


def _side_by_side(model: AcousticModel, rows: list[Floats]) -> Iterator[Tensor]:
    device = model.readout.weight.device
    lengths = np.array([len(row) for row in rows], np.int64)
    if len(rows) == 1 and lengths[0] > FRAMES_AT_ONCE and not model.bidirectional:
        yield _in_parts(model, torch.from_numpy(rows[0]).to(device))
        return
    flat = np.concatenate(rows)
    frames, sizes = padded(flat, np.cumsum(lengths) - lengths, lengths, 0)
    found, steps = model(frames.to(device), sizes.to(device))
    found = found.cpu()
    for row, length in enumerate(steps.tolist()):
        yield found[:length, row]


def _in_parts(model: AcousticModel, frames: Tensor) -> Tensor:
    """A row that is too long to be read at once, its state carried from part to part."""
    windows = model.window.cut(frames.unsqueeze(1))
    state, found = model.initial_state(1), []
    most = FRAMES_AT_ONCE // model.window.stride
    for begin in range(0, len(windows), most):
        log_probs, state = model.scan(windows[begin : begin + most], state)
        found.append(log_probs[:, 0].cpu())
    return torch.cat(found)
