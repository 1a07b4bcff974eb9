"""Argument checks with torch's types of errors and messages, with a hint added.

Legend: T time, B batch, I input, L layers, D directions.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Real
from typing import Any

import torch
from torch import Tensor

from elman.kernels.choose import is_tracing
from elman.layers.regularize import probability
from elman.layers.state import State


def sizes(
    input_size: int,
    hidden_size: int,
    num_layers: int,
    proj_size: int,
    bias: object,
    batch_first: object,
    dropout: object,
) -> None:
    """Raise TypeError or ValueError for arguments that torch.nn's constructors refuse."""
    if isinstance(dropout, bool) or not isinstance(dropout, Real) or not 0 <= float(dropout) <= 1:
        raise ValueError(
            "dropout should be a number in range [0, 1] representing the probability of an "
            f"element being zeroed, got {dropout!r}"
        )
    for name, flag in {"bias": bias, "batch_first": batch_first}.items():
        if not isinstance(flag, bool):
            raise TypeError(f"{name} should be of type bool, got: {type(flag).__name__}")
    for name, size in {"input_size": input_size, "hidden_size": hidden_size}.items():
        if not isinstance(size, int):
            raise TypeError(f"{name} should be of type int, got: {type(size).__name__}")
        if size <= 0:
            raise ValueError(f"{name} must be greater than zero, got {size}")
    if num_layers <= 0:
        raise ValueError(f"num_layers must be greater than zero, got {num_layers}")
    if proj_size < 0:
        raise ValueError(
            f"proj_size should be a positive integer or zero to disable projections, "
            f"got {proj_size}"
        )
    if proj_size >= hidden_size:
        raise ValueError(
            f"proj_size has to be smaller than hidden_size, got {proj_size} and {hidden_size}"
        )


def zoneout(rates: float | tuple[float, ...], state_names: Sequence[str]) -> tuple[float, ...]:
    """One probability for each tensor of the state; a single number is used for all."""
    several = tuple(rates) if isinstance(rates, tuple) else (rates,) * len(state_names)
    if len(several) != len(state_names):
        raise ValueError(
            f"zoneout should be one number or one for each of {', '.join(state_names)}, got {rates}"
        )
    return tuple(probability("zoneout", rate) for rate in several)


def initialization(
    init: str,
    forget_bias: float | None,
    chrono: float | None,
    kind: str,
    forget_gate: int | None,
    bias: bool,
) -> None:
    """Raise ValueError for an initialization that this kind of cell cannot have."""
    if init not in ("torch", "orthogonal", "identity"):
        raise ValueError(f'init should be "torch", "orthogonal" or "identity", got {init!r}')
    if init == "identity" and kind != "rnn-relu":
        raise ValueError('init="identity" is for an RNN with nonlinearity="relu"')
    for name, value in {"forget_bias": forget_bias, "chrono": chrono}.items():
        if value is not None and forget_gate is None:
            raise ValueError(f"{name} sets the forget gate, and an RNN has no gates")
        if value is not None and not bias:
            raise ValueError(f"{name} needs bias=True")
    if chrono is not None and not 2 < chrono < math.inf:
        raise ValueError(f"chrono is a number of steps above 2, got {chrono}")
    if chrono is not None and forget_bias is not None:
        raise ValueError("chrono and forget_bias set the same gate; give one of them")


def axes(x: Any, hx: Any, mode: str) -> None:
    """The numbers of axes of a padded input and of torch's form of a hidden state."""
    name = "RNN" if mode.startswith("RNN") else mode
    if not isinstance(x, Tensor):
        raise TypeError(
            f"{name}: expected a tensor or a PackedSequence, got {type(x).__name__}; make one with"
            " torch.as_tensor(x, dtype=torch.float32)"
        )
    if x.dim() not in (2, 3):
        tensor = "" if name == "LSTM" else " tensor"
        raise ValueError(
            f"{name}: Expected input to be 2D or 3D, got {x.dim()}D{tensor} instead; "
            "the axes are (T, B, I), (B, T, I) with batch_first, or (T, I)"
        )
    if hx is None:
        return
    if isinstance(hx, State):
        if x.dim() == 2 and hx.batch_size != 1:
            raise ValueError(f"an unbatched input needs a State of 1 row, got {hx.batch_size}")
        return
    kind = "batched" if x.dim() == 3 else "unbatched"
    if isinstance(hx, Tensor):
        if hx.dim() != x.dim():
            raise RuntimeError(
                f"For {kind} {x.dim()}-D input, hx should also be {x.dim()}-D "
                f"but got {hx.dim()}-D tensor"
            )
    elif any(part.dim() != x.dim() for part in hx):
        dims = ", ".join(f"{part.dim()}-D" for part in hx)
        raise RuntimeError(
            f"For {kind} {x.dim()}-D input, hx and cx should also be {x.dim()}-D "
            f"but got ({dims}) tensors"
        )


def time_major(x: Tensor, input_size: int, dtype: torch.dtype) -> None:
    """A time-major input (T, B, I)."""
    features(x, 3, input_size, dtype)
    if not is_tracing() and not x.shape[0]:
        raise RuntimeError(
            "Expected sequence length to be larger than 0 in RNN; "
            "pass lengths= for rows without steps"
        )


def one_step(x: Tensor, input_size: int, dtype: torch.dtype) -> None:
    """The input of one step (B, I)."""
    features(x, 2, input_size, dtype, "the input of a step, (B, I),")


def features(
    x: Tensor, axes: int, input_size: int, dtype: torch.dtype, name: str = "input"
) -> None:
    """The dtype, number of axes and width of an input (…, I)."""
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise ValueError(
            f"RNN input dtype ({x.dtype}) does not match weight dtype ({dtype}). "
            f"Convert input: input.to({dtype}), or convert model: model.to({x.dtype})"
        )
    if x.dim() != axes:
        raise RuntimeError(f"{name} must have {axes} dimensions, got {x.dim()}")
    # A trace can't compare sizes, and warns of each attempt.
    if not is_tracing() and x.shape[-1] != input_size:
        raise RuntimeError(
            f"input.size(-1) must be equal to input_size. Expected {input_size}, got {x.shape[-1]}"
        )


def states(given: Sequence[Tensor], places: int, batch_size: int, widths: Sequence[int]) -> None:
    """The shapes (L * D, B, …) of a hidden state; a batch of another size is not broadcast."""
    if len(given) != len(widths):
        raise ValueError(f"expected a hidden state of {len(widths)}, got {len(given)} tensors")
    if is_tracing():
        return
    for index, (state, width) in enumerate(zip(given, widths, strict=True)):
        expected = (places, batch_size, width)
        if state.shape != expected:
            which = f"hidden[{index}]" if len(widths) > 1 else "hidden"
            raise RuntimeError(
                f"Expected {which} size {expected}, got {list(state.shape)}; "
                "the axes are (layers * directions, B, width)"
            )
