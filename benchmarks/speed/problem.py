"""The numbers that go into a cell, and what has to come out: the plain loop in double precision.

Legend: T time, B batch, I input, H hidden, G gates, L layers.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

import elman
from benchmarks.speed.cells import GATES, Cell, Dtype
from benchmarks.speed.contract import Array

LAYERS = {"RNN": elman.RNN, "GRU": elman.GRU, "LSTM": elman.LSTM}
TOLERANCE: Mapping[Dtype, float] = {"fp32": 1e-4, "bf16": 1e-1}
"""The largest difference in an array over the largest number in it."""


def draw(cell: Cell) -> dict[str, Array]:
    """The arrays of a `Problem`: the same for a cell at every call, ragged or not."""
    random = np.random.default_rng(zlib.crc32(f"{cell.kind} {cell.shape}".encode()))

    def normal(*shape: int) -> Array:
        return random.standard_normal(shape, np.float32)

    gates, limit = GATES[cell.kind] * cell.hidden, cell.hidden**-0.5
    arrays = {"x": normal(cell.steps, cell.batch, cell.inputs)}
    for layer in range(cell.layers):
        inputs = cell.hidden if layer else cell.inputs
        for name, shape in {
            "weight_ih": (gates, inputs),
            "weight_hh": (gates, cell.hidden),
            "bias_ih": (gates,),
            "bias_hh": (gates,),
        }.items():
            arrays[f"{name}_l{layer}"] = random.uniform(-limit, limit, shape).astype(np.float32)
        if cell.kind == "GRU":
            # Flax's GRU has no bias inside the reset, and all must compute the same function.
            arrays[f"bias_hh_l{layer}"][2 * cell.hidden :] = 0
    if cell.mode == "train":
        arrays["dy"] = normal(cell.steps, cell.batch, cell.hidden)
    if cell.mode == "step":
        memory = (1, cell.batch, cell.hidden)
        arrays |= {name: 0.5 * normal(*memory) for name in cell.state_names}
    return arrays


def expected(cell: Cell, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """What a `Contestant` has to give as results, in double precision."""
    double = {name: torch.from_numpy(array).double() for name, array in arrays.items()}
    layer = LAYERS[cell.kind](cell.inputs, cell.hidden, cell.layers, dtype=torch.float64)
    layer.load_state_dict({name: double[name] for name in layer.state_dict()})
    x = double["x"].requires_grad_(cell.mode == "train")
    lengths = torch.tensor(cell.lengths) if cell.ragged else None
    with elman.use_backend("reference"), torch.set_grad_enabled(cell.mode == "train"):
        if cell.mode == "step":
            memory = tuple(double[name] for name in cell.state_names)
            y, new = layer(x, memory if cell.kind == "LSTM" else memory[0])
            states = new if cell.kind == "LSTM" else (new,)
            return {"y": y.numpy()} | {
                name: state.numpy() for name, state in zip(cell.state_names, states, strict=True)
            }
        y, _ = layer(x, lengths=lengths)
        if cell.mode == "infer":
            return {"y": y.numpy()}
        leaves: dict[str, Tensor] = {"x": x, **dict(layer.named_parameters())}
        gradients = torch.autograd.grad(y, list(leaves.values()), double["dy"])
    found = zip(leaves, gradients, strict=True)
    return {"y": y.detach().numpy()} | {name: gradient.numpy() for name, gradient in found}


def difference(found: Mapping[str, Array], wanted: Mapping[str, Array], dtype: Dtype) -> str | None:
    """What is wrong with a peer's results, or None.

    The gradient of a second bias may be missing: many have one bias only.
    """
    limit = TOLERANCE[dtype]
    for name, right in wanted.items():
        if name not in found:
            if name.startswith("bias_hh"):
                continue
            return f"{name} is missing"
        array = found[name]
        if array.shape != right.shape:
            return f"{name} is {array.shape}, not {right.shape}"
        off = np.abs(array - right).max(initial=0) / np.abs(right).max(initial=1e-30)
        if not off <= limit:  # NaN is wrong too
            return f"{name} is off by {off:.1e} of its largest number, more than {limit:.0e}"
    return None
