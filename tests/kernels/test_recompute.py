"""recompute=True: the same numbers, with less kept for the backward pass."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

import elman

LAYERS = {"rnn": elman.RNN, "gru": elman.GRU, "lstm": elman.LSTM}
OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "both directions": {"bidirectional": True, "num_layers": 2},
    "noise": {"zoneout": 0.2, "recurrent_dropout": 0.3},
    "layer norm": {"layer_norm": True},
}


def gradients(layer: elman.LSTM, x: Tensor, lengths: list[int] | None) -> list[Tensor]:
    torch.manual_seed(3)  # the noise of both runs
    x = x.clone().requires_grad_()
    y, _ = layer(x, lengths=lengths)
    (y * torch.arange(y.numel()).view_as(y).sin()).sum().backward()
    grads = [x.grad, *(p.grad for p in layer.parameters())]
    return [y.detach(), *(grad for grad in grads if grad is not None)]


@pytest.mark.parametrize("cell", LAYERS)
@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("steps", [1, 5, 37])
@pytest.mark.parametrize("ragged", [False, True])
def test_it_gives_what_keeping_everything_gives(
    cell: str, options: dict[str, Any], steps: int, ragged: bool
) -> None:
    torch.manual_seed(0)
    plain = LAYERS[cell](4, 6, **options)
    again = LAYERS[cell](4, 6, recompute=True, **options)
    again.load_state_dict(plain.state_dict())
    x = torch.randn(steps, 9, 4)
    lengths = [steps * row // 8 for row in range(9)] if ragged else None
    ours, theirs = gradients(again, x, lengths), gradients(plain, x, lengths)
    for our, their in zip(ours, theirs, strict=True):
        scale = max(1.0, float(their.abs().max()))
        torch.testing.assert_close(our, their, rtol=1e-4, atol=1e-5 * scale)


def kept(layer: elman.LSTM, x: Tensor) -> int:
    """Bytes that the backward pass of `layer` keeps, each tensor counted once."""
    held: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        storage = tensor.untyped_storage()
        held[storage.data_ptr()] = storage.nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        y, _ = layer(x)
    del y
    return sum(held.values())


def test_it_keeps_less_than_a_third() -> None:
    x = torch.randn(400, 16, 4)
    everything = kept(elman.LSTM(4, 32), x)
    assert kept(elman.LSTM(4, 32, recompute=True), x) < everything / 3


def test_a_cell_that_keeps_only_its_outputs_is_not_run_again() -> None:
    x = torch.randn(400, 16, 4)
    assert kept(elman.RNN(4, 32, recompute=True), x) == kept(elman.RNN(4, 32), x)
    noisy = kept(elman.RNN(4, 32, zoneout=0.1), x)
    assert kept(elman.RNN(4, 32, zoneout=0.1, recompute=True), x) < noisy


def test_torchs_kernels_run_again_too() -> None:
    layers = [elman.LSTM(4, 6, dtype=torch.float64, recompute=again) for again in (False, True)]
    layers[1].load_state_dict(layers[0].state_dict())
    x = torch.randn(7, 3, 4, dtype=torch.float64)
    for ours, theirs in zip(*(gradients(layer, x, [7, 2, 0]) for layer in layers), strict=True):
        torch.testing.assert_close(ours, theirs)


def test_without_gradients_nothing_is_cut() -> None:
    layer = elman.LSTM(4, 6, recompute=True)
    x = torch.randn(5, 9, 4)
    with torch.inference_mode():
        y, _ = layer(x)
    torch.testing.assert_close(y, layer(x)[0])
    assert elman.explain(layer, x).backend == "native"
