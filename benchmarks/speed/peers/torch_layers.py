"""A layer that is called as torch.nn's are, as a contestant: torch's own, and ours.

Legend: T time, B batch, I input, H hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from benchmarks.speed.contract import Array, Contestant, Problem

Layer: TypeAlias = Callable[..., tuple[Tensor, Any]]
Step: TypeAlias = Callable[[], tuple[Tensor, tuple[Tensor, ...]]]
"""-> y (B, H) or (1, B, H), and the new memory."""

TORCH_DTYPE = {"fp32": torch.float32, "bf16": torch.bfloat16}


def prepare(module: nn.Module, problem: Problem) -> None:
    """Give `module` the problem's weights and precision, and torch its threads."""
    torch.set_num_threads(problem.threads)
    weights = {
        name: torch.from_numpy(array)
        for name, array in problem.arrays.items()
        if name.startswith(("weight", "bias"))
    }
    module.load_state_dict(weights)
    module.to(TORCH_DTYPE[problem.dtype])


def tensor(problem: Problem, name: str) -> Tensor:
    """An array of the problem in its precision."""
    return torch.from_numpy(problem.arrays[name]).to(TORCH_DTYPE[problem.dtype])


def run(module: nn.Module, layer: Layer, problem: Problem, **options: Any) -> Contestant:
    """Forward, or forward and backward, of `module` called through `layer`."""
    x = tensor(problem, "x")
    if problem.cell.mode == "infer":
        return Contestant(
            lambda: layer(x, **options),
            lambda: {"y": _array(layer(x, **options)[0])},
            torch.inference_mode,
        )
    dy = tensor(problem, "dy")
    x.requires_grad_()

    def train() -> Tensor:
        x.grad = None
        module.zero_grad(set_to_none=True)
        y, _ = layer(x, **options)
        torch.autograd.backward(y, dy)
        return y

    def results() -> Mapping[str, Array]:
        y = train()
        leaves = {"x": x, **dict(module.named_parameters())}
        return {"y": _array(y)} | {name: _array(leaf.grad) for name, leaf in leaves.items()}

    return Contestant(train, results)


def stepped(step: Step, names: tuple[str, ...]) -> Contestant:
    """One step of a stream."""

    def results() -> Mapping[str, Array]:
        y, memory = step()
        shape = (1, -1, y.shape[-1])
        named = {"y": y, **dict(zip(names, memory, strict=True))}
        return {name: _array(value).reshape(shape) for name, value in named.items()}

    return Contestant(step, results, torch.inference_mode)


def through_forward(layer: Layer, problem: Problem) -> Contestant:
    """One step as a drop-in sees it: the layer called with T = 1 and the memory."""
    x = tensor(problem, "x")
    memory = tuple(tensor(problem, name) for name in problem.cell.state_names)
    lstm = problem.cell.kind == "LSTM"

    def step() -> tuple[Tensor, tuple[Tensor, ...]]:
        y, new = layer(x, memory if lstm else memory[0])
        return y, new if lstm else (new,)

    return stepped(step, problem.cell.state_names)


def _array(value: Tensor | None) -> Array:
    assert value is not None
    return value.detach().float().numpy()
