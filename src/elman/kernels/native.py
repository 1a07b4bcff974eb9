"""The `native` backend: our kernels for the CPU, registered as torch operators.

Sequences are packed as torch packs them: rows sorted by length, all rows' step 0, then all rows'
step 1 and so on, so that padding costs nothing.

Legend: T time, B batch, N all real steps of all rows, I input, H hidden, R output of a step (H, or
the projection).
"""

from __future__ import annotations

import ctypes
import importlib.util
import os
import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from elman.errors import InputError
from elman.kernels import reference
from elman.kernels.gru import GRU
from elman.kernels.kind import CellKind, Regularization, States, Weights
from elman.kernels.lstm import LSTM
from elman.kernels.packing import Packing
from elman.kernels.rnn import RNN_RELU, RNN_TANH

KINDS = (RNN_TANH, RNN_RELU, GRU, LSTM)
"""In the order of csrc/kernels.h."""
CODES = {kind.name: code for code, kind in enumerate(KINDS)}


def run(
    kind: CellKind,
    x: Tensor,
    states: States,
    weights: Weights,
    *,
    sizes: Tensor | None,
    reverse: bool,
    regularization: Regularization,
) -> tuple[Tensor, States]:
    """One layer in one direction over packed steps.

    Args:
        kind: the cell.
        x: (N, I).
        states: (B, R) and, of an LSTM, (B, H), in the order of the packing.
        weights: of this layer and direction.
        sizes: (T,) int64, the number of rows that take part in each step; None: all.
        reverse: from each row's last step to its first.
        regularization: zoneout masks are (N, …), or (T, B, …) where every row has every step.

    Returns:
        The outputs (N, R) and the final states.
    """
    code = CODES[kind.name]
    given = contiguous(x, states, weights)
    keep = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in given)
    masks, rates = zoneout_of(regularization)
    run_op = _Recurrence.apply if keep and not torch.compiler.is_compiling() else _recurrence
    y, h, c, _, _ = run_op(
        code, *given, sizes, reverse, keep, regularization.recurrent, *masks, *rates
    )
    return y, (h,) if len(states) == 1 else (h, c)


def contiguous(x: Tensor, states: States, weights: Weights) -> tuple[Tensor | None, ...]:
    """x, h, c, U, V, the biases and the projection as the operators take them."""
    bias_ih, bias_hh, hr = weights.bias_ih, weights.bias_hh, weights.hr
    return (
        x.contiguous(),
        states[0].contiguous(),
        states[1].contiguous() if len(states) > 1 else None,
        weights.ih.contiguous(),
        weights.hh.contiguous(),
        None if bias_ih is None else bias_ih.contiguous(),
        None if bias_hh is None else bias_hh.contiguous(),
        None if hr is None else hr.contiguous(),
    )


def step(
    kind: CellKind, x: Tensor, states: States, weights: Weights, regularization: Regularization
) -> States:
    """The states after one step (B, I) of one layer, without masks over time."""
    return run(kind, x, states, weights, sizes=None, reverse=False, regularization=regularization)[
        1
    ]


def zoneout_of(regularization: Regularization) -> tuple[list[Tensor | None], list[float]]:
    """The masks of zoneout of h and c, and the rates where there are no masks."""
    masks: list[Tensor | None] = [None, None]
    rates = [0.0, 0.0]
    for place, zone in enumerate(regularization.zoneout or ()):
        if isinstance(zone, Tensor):
            masks[place] = zone.float().flatten(0, -2).contiguous()
        else:
            rates[place] = zone
    return masks, rates


def _register() -> None:
    torch.library.register_fake("elman::recurrence", _fake)
    torch.library.register_fake("elman::recurrence_backward", _fake_backward)
    torch.library.register_autograd("elman::recurrence", _backward, setup_context=_setup_context)


def _fake(code: int, x: Tensor, h0: Tensor, c0: Tensor | None, *rest: Any) -> tuple[Tensor, ...]:
    w_hh, keep, zones = rest[1], rest[7], rest[9:]
    hidden = w_hh.shape[0] // KINDS[code].gates
    # An RNN saves only its outputs, unless zoneout mixes these.
    slots = 4 if code >= 2 else int(any(isinstance(zone, Tensor) or zone for zone in zones))
    nothing = x.new_empty(0)
    return (
        x.new_empty(x.shape[0], h0.shape[1]),
        torch.empty_like(h0),
        nothing if c0 is None else torch.empty_like(c0),
        x.new_empty(x.shape[0], slots * hidden) if keep and slots else nothing.clone(),
        x.new_empty(x.shape[0], hidden) if keep and c0 is not None else nothing.clone(),
    )


def _fake_backward(
    code: int,
    dy: Tensor | None,
    dh: Tensor,
    dc: Tensor | None,
    x: Tensor,
    y: Tensor,
    h0: Tensor,
    c0: Tensor | None,
    w_ih: Tensor,
    w_hh: Tensor,
    w_hr: Tensor | None,
    has_bias: bool,
    *rest: Any,
) -> tuple[Tensor, ...]:
    need_dx = rest[-1]
    bias = w_ih.new_empty(w_ih.shape[0] if has_bias else 0)
    return (
        torch.empty_like(x) if need_dx else x.new_empty(0),
        torch.empty_like(h0),
        x.new_empty(0) if c0 is None else torch.empty_like(c0),
        torch.empty_like(w_ih),
        torch.empty_like(w_hh),
        bias,
        bias.clone(),
        x.new_empty(0) if w_hr is None else torch.empty_like(w_hr),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    code, x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, reverse, _, recurrent, *zones = inputs
    y, _, _, gates, cells = output
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(gates, cells)
    ctx.save_for_backward(
        *(x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr),
        *(sizes, recurrent, *zones[:2], y, gates, cells),
    )
    ctx.code, ctx.reverse, ctx.rates = code, reverse, zones[2:]


def _backward(ctx: Any, dy: Tensor | None, dh: Tensor | None, dc: Tensor | None, *_: Any) -> Any:
    saved = ctx.saved_tensors
    x, h0, c0, w_ih, w_hh, b_ih, b_hh, w_hr, sizes, recurrent, *zones, y, gates, cells = saved
    if torch.is_grad_enabled():
        regularization = (recurrent, zones, ctx.rates)
        grads = reference_gradients(
            ctx.code, saved[:8], sizes, ctx.reverse, *regularization, (dy, dh, dc)
        )
    else:
        grads = torch.ops.elman.recurrence_backward.default(
            ctx.code,
            None if dy is None else dy.contiguous(),
            torch.zeros_like(h0) if dh is None else dh.contiguous(),
            c0 if c0 is None else torch.zeros_like(c0) if dc is None else dc.contiguous(),
            x,
            y,
            h0,
            c0,
            w_ih,
            w_hh,
            w_hr,
            b_ih is not None,
            gates,
            cells,
            sizes,
            ctx.reverse,
            recurrent,
            *zones,
            *ctx.rates,
            ctx.needs_input_grad[1],
        )
    dx, dh0, dc0, dw_ih, dw_hh, db_ih, db_hh, dw_hr = grads
    return (
        None,
        dx if ctx.needs_input_grad[1] else None,
        dh0,
        None if c0 is None else dc0,
        dw_ih,
        dw_hh,
        None if b_ih is None else db_ih,
        None if b_hh is None else db_hh,
        None if w_hr is None else dw_hr,
        *[None] * 8,
    )


class _Recurrence(torch.autograd.Function):
    """The operator with the gradient that `_register` declares.

    torch's own dispatch to a declared gradient processes all arguments in Python, which takes
    longer than a small layer. It is used under torch.compile, which cannot trace this class.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        with torch._C._AutoDispatchBelowAutograd():
            output = _recurrence(*inputs)
        _setup_context(ctx, inputs, output)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _backward(ctx, *grads)


def _recurrence(*inputs: Any) -> Any:
    return torch.ops.elman.recurrence.default(*inputs)


def reference_gradients(
    code: int,
    given: Sequence[Tensor | None],
    sizes: Tensor | None,
    reverse: bool,
    recurrent: Tensor | None,
    zones: Sequence[Tensor | None],
    rates: Sequence[float],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients of `given` by the plain loop, for double backward.

    Args:
        code: of the cell.
        given: the inputs of the operator: x, h, c, and the weights in the order of `Weights`.
        sizes: as in `run`.
        reverse: as in `run`.
        recurrent: the mask of recurrent dropout.
        zones: the zoneout masks.
        rates: the zoneout rates.
        grads: of y, h and c.
    """
    given = separate_views(given)
    x, h0, c0, w_ih, w_hh, *rest = given
    assert x is not None
    assert h0 is not None
    assert w_ih is not None
    assert w_hh is not None
    batch = len(h0)
    steps = len(x) // batch if sizes is None else len(sizes)
    if sizes is None:
        sizes = torch.full((steps,), batch)
    # Rows are sorted already, so row j has as many steps as there are sizes above j.
    lengths = (sizes.unsqueeze(1) > torch.arange(batch)).sum(0)
    packing = Packing.of(lengths, steps)
    zoned = [
        rate if mask is None else packing.pad(mask, steps) > 0
        for mask, rate in zip(zones, rates, strict=True)
    ]
    states = (h0,) if c0 is None else (h0, c0)
    y, final = reference.run(
        KINDS[code],
        packing.pad(x, steps),
        states,
        Weights(w_ih, w_hh, *rest),
        lengths=lengths,
        reverse=reverse,
        regularization=Regularization(
            recurrent, tuple(zoned[: len(states)]) if any(map(_is_on, zoned)) else None
        ),
    )
    return gradients((packing.pack(y), *final), given, grads)


def separate_views(given: Sequence[Tensor | None]) -> list[Tensor | None]:
    """Each tensor as a separate node of the graph.

    Otherwise a path from one input to another outside of the layer would be differentiated here
    too, and a tensor that is passed twice would get one gradient.
    """
    return [t if t is None or not t.requires_grad else t.view_as(t) for t in given]


def gradients(
    outputs: Sequence[Tensor], given: Sequence[Tensor | None], grads: Sequence[Tensor | None]
) -> list[Tensor | None]:
    """Gradients of `given`, from which `outputs` was computed, for the gradients of `outputs`."""
    known = [(out, grad) for out, grad in zip(outputs, grads, strict=False) if grad is not None]
    wanted = [tensor for tensor in given if tensor is not None and tensor.requires_grad]
    found = torch.autograd.grad(
        [out for out, _ in known],
        wanted,
        [grad for _, grad in known],
        create_graph=torch.is_grad_enabled(),
        allow_unused=True,
    )
    by_input = dict(zip(map(id, wanted), found, strict=True))
    return [None if tensor is None else by_input.get(id(tensor)) for tensor in given]


def _is_on(zone: Tensor | float) -> bool:
    return isinstance(zone, Tensor) or zone > 0


def instruction_set() -> str | None:
    """The instruction set in use: "baseline", "avx2" or "avx512"; None without kernels.

    Raises:
        InputError: ELMAN_ISA names a set that this machine lacks.
    """
    path = library()
    if path is None:
        return None
    ask = ctypes.CDLL(path).elman_instruction_set
    ask.restype = ctypes.c_char_p
    name = ask()
    if name is None:
        raise InputError(
            f"ELMAN_ISA={os.environ.get('ELMAN_ISA')}: not an instruction set of the kernels that "
            "this machine has; choose among avx512, avx2 and baseline, or unset it"
        )
    return str(name, "ascii")


def library() -> str | None:
    """The path of the kernels; ELMAN_KERNELS names another build, such as one with sanitizers."""
    if given := os.environ.get("ELMAN_KERNELS"):
        return given
    spec = importlib.util.find_spec("elman.kernels._native")
    return None if spec is None else spec.origin


def _load() -> bool:
    path = library()
    if path is None:
        warnings.warn(
            "elman was installed without its kernels, since no C++ compiler was found; it runs at "
            "torch's speed",
            RuntimeWarning,
            stacklevel=2,
        )
        return False
    torch.ops.load_library(path)  # type: ignore[no-untyped-call]
    instruction_set()  # refuses a wrong one before anything is computed
    _register()
    return True


BUILT = _load()
"""Whether this installation has kernels."""
