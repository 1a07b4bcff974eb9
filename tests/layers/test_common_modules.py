"""torch's own generators of cases for recurrent modules, run on our layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.utils.rnn import PackedSequence
from torch.testing._internal import common_modules as common

import elman

LAYER_ERRORS = common.module_error_inputs_torch_nn_RNN_GRU
CELL_INPUTS = common.module_inputs_torch_nn_RNN_GRU_Cell
CELL_ERRORS = common.module_error_inputs_torch_nn_RNN_GRU_Cell
GENERATORS: dict[str, tuple[Any, Any]] = {
    "RNN": (common.module_inputs_torch_nn_RNN_GRU, LAYER_ERRORS),
    "GRU": (common.module_inputs_torch_nn_RNN_GRU, LAYER_ERRORS),
    "LSTM": (common.module_inputs_torch_nn_LSTM, LAYER_ERRORS),
    "RNNCell": (CELL_INPUTS, CELL_ERRORS),
    "GRUCell": (CELL_INPUTS, CELL_ERRORS),
    "LSTMCell": (
        common.module_inputs_torch_nn_LSTMCell,
        common.module_error_inputs_torch_nn_LSTMCell,
    ),
}


def samples(name: str, dtype: torch.dtype, training: bool) -> list[Any]:
    inputs, _ = GENERATORS[name]
    options: dict[str, Any] = {"is_rnn": name.startswith("RNN")}
    if name in ("RNN", "GRU"):
        options["with_packed_sequence"] = True
    return list(inputs(getattr(nn, name), "cpu", dtype, True, training, **options))


def tensors(value: Any) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, PackedSequence):
        yield value.data
    elif isinstance(value, tuple | list):
        for part in value:
            yield from tensors(part)


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", GENERATORS)
def test_samples(name: str, dtype: torch.dtype, training: bool) -> None:
    found = samples(name, dtype, training)
    assert found
    for sample in found:
        args, options = sample.constructor_input.args, sample.constructor_input.kwargs
        torch.manual_seed(0)
        theirs = getattr(nn, name)(*args, **options, dtype=dtype).train(training)
        torch.manual_seed(0)
        ours = getattr(elman, name)(*args, **options, dtype=dtype).train(training)
        assert list(ours.state_dict()) == list(theirs.state_dict())
        given = list(tensors(sample.forward_input.args))

        results = []
        for module in (theirs, ours):
            for tensor in [*given, *module.parameters()]:
                tensor.grad = None
            out = list(tensors(module(*sample.forward_input.args, **sample.forward_input.kwargs)))
            sum(part.square().sum() for part in out).backward()
            grads = [t.grad.clone() for t in [*given, *module.parameters()] if t.grad is not None]
            results.append((out, grads))
        (expected, expected_grads), (got, grads) = results
        for a, b in zip(got, expected, strict=True):
            assert a.shape == b.shape
            torch.testing.assert_close(a, b)
        assert grads
        for a, b in zip(grads, expected_grads, strict=True):
            # The samples' inputs go up to 9, so gradients of hundreds stand beside small ones that
            # are differences of such: torch's own are off by 1e-6 of the largest there.
            scale = max(1.0, float(b.abs().max()))
            torch.testing.assert_close(
                a, b, rtol=0, atol=(1e-5 if dtype == torch.float32 else 1e-10) * scale
            )


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("name", GENERATORS)
def test_error_samples(name: str, dtype: torch.dtype) -> None:
    _, errors = GENERATORS[name]
    found = list(errors(getattr(nn, name), "cpu", dtype, False, True))
    assert found
    for sample in found:
        build = sample.module_error_input.constructor_input
        args, options = list(build.args), build.kwargs
        call = sample.module_error_input.forward_input
        kind = getattr(elman, name)
        if sample.error_on == common.ModuleErrorEnum.CONSTRUCTION_ERROR:
            with pytest.raises(sample.error_type, match=sample.error_regex):
                kind(*args, **options)
        else:
            module = kind(*args, **({"dtype": dtype} | options))
            with pytest.raises(sample.error_type, match=sample.error_regex):
                module(*call.args)
