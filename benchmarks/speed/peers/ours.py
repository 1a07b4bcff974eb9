"""elman: the layer as it is, and for a step `layer.step`, or `forward` with T = 1."""

from __future__ import annotations

import torch
from torch import Tensor

import elman
from benchmarks.speed.contract import Cannot, Contestant, Problem
from benchmarks.speed.peers.torch_layers import prepare, run, stepped, tensor, through_forward
from elman.kernels import native
from elman.layers.stack import explain

LAYERS = {"RNN": elman.RNN, "GRU": elman.GRU, "LSTM": elman.LSTM}


def build(problem: Problem, variant: str) -> Contestant:
    """Our layer on `problem`; `variant` "forward" takes a step as a drop-in does."""
    if not native.BUILT:
        raise Cannot("this installation has no kernels")
    cell = problem.cell
    layer = LAYERS[cell.kind](cell.inputs, cell.hidden, cell.layers)
    prepare(layer, problem)
    if cell.mode == "step":
        if variant == "forward":
            return through_forward(layer, problem)
        x = tensor(problem, "x")[0]
        axes = dict.fromkeys(cell.state_names, layer.state_axis)
        state = elman.State.with_axes(
            {name: tensor(problem, name) for name in cell.state_names}, axes
        )

        def step() -> tuple[Tensor, tuple[Tensor, ...]]:
            y, new = layer.step(x, state)
            return y, tuple(new.values())

        return stepped(step, cell.state_names)
    options = {"lengths": torch.tensor(cell.lengths)} if cell.ragged else {}
    ready = run(layer, layer, problem, **options)
    return Contestant(
        ready.call, ready.results, ready.around, note=str(explain(layer, tensor(problem, "x")))
    )
