"""torch.nn: the layers, the cells for single steps, and the layers compiled."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from benchmarks.speed.contract import Cannot, Contestant, Problem
from benchmarks.speed.peers.torch_layers import (
    Layer,
    prepare,
    run,
    stepped,
    tensor,
    through_forward,
)

LAYERS: dict[str, Callable[[int, int, int], nn.Module]] = {
    "RNN": nn.RNN,
    "GRU": nn.GRU,
    "LSTM": nn.LSTM,
}
CELLS: dict[str, Callable[[int, int], nn.Module]] = {
    "RNN": nn.RNNCell,
    "GRU": nn.GRUCell,
    "LSTM": nn.LSTMCell,
}
LONGEST_COMPILED = 50


def build(problem: Problem, variant: str) -> Contestant:
    """torch's layer on `problem`; `variant` is "", "cell" or "compiled"."""
    problem.only(layers=2, dtypes=("fp32", "bf16"))
    if variant == "cell":
        return _cell(problem)
    cell = problem.cell
    module = LAYERS[cell.kind](cell.inputs, cell.hidden, cell.layers)
    prepare(module, problem)
    layer = _compiled(module, problem) if variant == "compiled" else module
    return through_forward(layer, problem) if cell.mode == "step" else run(module, layer, problem)


def _compiled(module: nn.Module, problem: Problem) -> Layer:
    """The layer through Inductor, which writes a time loop out step by step."""
    if problem.cell.steps * problem.cell.layers > LONGEST_COMPILED:
        raise Cannot(f"compiling writes out all steps: minutes beyond {LONGEST_COMPILED} of them")
    torch._dynamo.reset()
    torch._dynamo.config.allow_rnn = True  # else the layer stays as it is
    compiled: Layer = torch.compile(module)
    return compiled


def _cell(problem: Problem) -> Contestant:
    kind = problem.cell.kind
    cell = CELLS[kind](problem.cell.inputs, problem.cell.hidden)
    arrays = {name.removesuffix("_l0"): array for name, array in problem.arrays.items()}
    prepare(cell, Problem(problem.cell, problem.dtype, problem.threads, arrays))
    x = tensor(problem, "x")[0]
    memory = tuple(tensor(problem, name)[0] for name in problem.cell.state_names)

    def step() -> tuple[Tensor, tuple[Tensor, ...]]:
        new = cell(x, memory if kind == "LSTM" else memory[0])
        memory_then = new if kind == "LSTM" else (new,)
        return memory_then[0], memory_then

    return stepped(step, problem.cell.state_names)
