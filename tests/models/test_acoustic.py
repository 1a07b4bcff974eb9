"""Tests of the acoustic model: windows of frames, and a stream that equals the whole."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from elman.errors import InputError
from elman.models.acoustic import AcousticModel, EncoderKind, FrameWindow, window_encoder
from elman.models.cells import CellOptions, recurrent_layers

BINS, OUTPUTS, HIDDEN = 6, 5, 8


def acoustic_model(
    encoder: EncoderKind = "stack",
    width: int = 4,
    stride: int = 3,
    *,
    cell: str = "lstm",
    bidirectional: bool = False,
    dropout: float = 0.0,
) -> AcousticModel:
    torch.manual_seed(0)
    window = FrameWindow(width, stride)
    encode = window_encoder(encoder, window, BINS)
    layers = recurrent_layers(
        cell, encode.output_size, [HIDDEN] * 2, CellOptions(), bidirectional=bidirectional
    )
    return AcousticModel(
        window,
        encode,
        layers,
        HIDDEN * (1 + bidirectional),
        OUTPUTS,
        input_dropout=dropout,
        hidden_dropout=dropout,
        output_dropout=dropout,
    ).eval()


def frames_of(steps: int, rows: int) -> Tensor:
    return torch.randn(steps, rows, BINS, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("width", "stride", "frames", "steps"),
    [(4, 3, 7, 3), (4, 3, 6, 2), (3, 3, 7, 3), (5, 1, 4, 4), (4, 3, 1, 1), (4, 3, 0, 0)],
)
def test_a_step_reads_its_frames_and_zeros_past_the_end(
    width: int, stride: int, frames: int, steps: int
) -> None:
    window = FrameWindow(width, stride)
    x = frames_of(frames, 2)
    cut = window.cut(x)
    assert cut.shape == (steps, 2, width, BINS)
    assert window.steps(frames) == steps
    longer = torch.cat([x, torch.zeros(width, 2, BINS)])
    for step in range(steps):
        expected = longer[step * stride : step * stride + width].transpose(0, 1)
        torch.testing.assert_close(cut[step], expected, rtol=0, atol=0)


@pytest.mark.parametrize(("width", "stride"), [(3, 4), (3, 0)])
def test_a_window_skips_no_frames(width: int, stride: int) -> None:
    with pytest.raises(InputError, match=f"{width} frames with a stride of {stride}"):
        FrameWindow(width, stride)


@pytest.mark.parametrize("encoder", ["stack", "conv"])
@pytest.mark.parametrize("bidirectional", [False, True])
def test_a_row_alone_is_that_row_in_a_batch_whatever_the_padding(
    encoder: EncoderKind, bidirectional: bool
) -> None:
    model = acoustic_model(encoder, bidirectional=bidirectional)
    x, lengths = frames_of(11, 4), [11, 4, 0, 7]
    for row, length in enumerate(lengths):
        x[length:, row] = torch.nan
    together, steps = model(x, lengths)
    assert steps.tolist() == [4, 2, 0, 3]
    for row, length in enumerate(lengths):
        if length:
            alone, _ = model(x[:length, row : row + 1], [length])
            torch.testing.assert_close(together[: steps[row], row], alone[:, 0])


@pytest.mark.parametrize("encoder", ["stack", "conv"])
@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_steps_and_scans_are_the_whole(encoder: EncoderKind, cell: str) -> None:
    model = acoustic_model(encoder, cell=cell)
    x = frames_of(13, 3)
    whole, _ = model(x, [13] * 3)
    windows = model.window.cut(x)
    assert windows.shape[2:] == (4, BINS)
    state, found = model.initial_state(3), []
    for item in windows:
        log_probs, state = model.step(item, state)
        found.append(log_probs)
    torch.testing.assert_close(torch.stack(found), whole)
    middle, begun = model.scan(windows[:2], model.initial_state(3))
    rest, ended = model.scan(windows[2:], begun)
    torch.testing.assert_close(torch.cat([middle, rest]), whole)
    for name in ended:
        torch.testing.assert_close(ended[name], state[name])


def test_a_scan_ends_rows_where_they_end() -> None:
    model = acoustic_model()
    windows = model.window.cut(frames_of(12, 3))
    begun = model.scan(windows[:1], model.initial_state(3))[1]
    found, state = model.scan(windows, begun, lengths=[4, 0, 2])
    assert not found[:, 1].any()
    assert not found[2:, 2].any()
    kept, before = state.select([1]), begun.select([1])
    assert all(torch.equal(kept[name], before[name]) for name in kept)
    alone, after = model.scan(windows[:2, 2:], begun.select([2]))
    torch.testing.assert_close(found[:2, 2:], alone)
    ended = state.select([2])
    for name in ended:
        torch.testing.assert_close(ended[name], after[name])


def test_rows_that_are_not_active_keep_their_state() -> None:
    model = acoustic_model()
    item, state = frames_of(4, 2).transpose(0, 1), model.initial_state(2)
    found, after = model.step(item, state, active=[True, False])
    assert found[0].any()
    assert not found[1].any()
    moved, kept = after.select([0]), after.select([1])
    assert all(moved[name].any() and not kept[name].any() for name in after)


def test_log_probabilities_are_normalized_float32_under_autocast_too() -> None:
    model = acoustic_model()
    with torch.autocast("cpu", torch.bfloat16):
        found, _ = model(frames_of(6, 2), [6, 6])
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.exp().sum(-1), torch.ones(2, 2))


def test_the_blank_is_the_last_output() -> None:
    assert acoustic_model().blank == OUTPUTS - 1


def test_dropout_is_for_training_alone() -> None:
    model = acoustic_model(dropout=0.5)
    x = frames_of(9, 2)
    one, other = model(x, [9, 9])[0], model(x, [9, 9])[0]
    assert torch.equal(one, other)
    model.train()
    assert not torch.equal(model(x, [9, 9])[0], model(x, [9, 9])[0])


def test_a_network_of_two_directions_has_no_steps() -> None:
    model = acoustic_model(bidirectional=True)
    with pytest.raises(InputError, match="has to see the end"):
        model.initial_state(1)
