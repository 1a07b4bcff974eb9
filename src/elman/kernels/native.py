"""The `native` backend: our kernels for the CPU, registered as torch operators.

Sequences are packed as torch packs them: rows sorted by length, all rows' step 0, then all rows'
step 1 and so on, so that padding costs nothing.

Legend: T time, B batch, N all real steps of all rows, I input, H hidden, R output of a step (H, or
the projection). An operator takes x, h, c and the weights in the order of `Weights`; "normed" is
the one with layer normalization (Ba et al. 2016, arXiv:1607.06450).
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
from elman.kernels.in_place import Version
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
    reverse: bool,
    regularization: Regularization,
    *,
    sizes: Tensor | None,
) -> tuple[Tensor, States]:
    """One layer in one direction over packed steps: x (N, I) -> the outputs (N, R), final states.

    `states`, (B, R) and of an LSTM (B, H), are in the order of the packing, and `sizes` (T,) int64
    are the numbers of rows that take part in each step; None: all. Zoneout masks are (N, …), or
    (T, B, …) where every row has every step. `reverse`: from each row's last step to its first.
    """
    wanted = weights[:5] if weights.norm_hh is None else weights
    tensors = (x, *states, *(None,) * (2 - len(states)), *wanted)
    given = [None if tensor is None else tensor.contiguous() for tensor in tensors]
    keep = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in given)
    masks: list[Tensor | None] = [None, None]
    rates = [0.0, 0.0]
    for place, zone in enumerate(regularization.zoneout or ()):
        if isinstance(zone, Tensor):
            masks[place] = zone.float().flatten(0, -2).contiguous()
        else:
            rates[place] = zone
    operator = _Recurrence.apply if keep and not torch.compiler.is_compiling() else _operator
    code, mask = CODES[kind.name], regularization.recurrent
    y, h, c, *_ = operator(code, *given, sizes, reverse, keep, mask, *masks, *rates)
    return y, (h,) if len(states) == 1 else (h, c)


def step(
    kind: CellKind, x: Tensor, states: States, weights: Weights, regularization: Regularization
) -> States:
    """The states after one step (B, I) of one layer, without masks over time."""
    return run(kind, x, states, weights, False, regularization, sizes=None)[1]


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


def _fake_backward(*inputs: Any) -> tuple[Tensor, ...]:
    _, _, _, _, x, _, h0, c0, w_ih, w_hh, w_hr, has_bias, *_, need_dx = inputs
    bias = w_ih.new_empty(len(w_ih) if has_bias else 0)
    return _gradients_like(x if need_dx else None, h0, c0, w_ih, w_hh, bias, bias, w_hr)


def _fake_normed(code: int, *inputs: Any) -> tuple[Tensor, ...]:
    x: Tensor
    x, h0, c0, w_ih, w_hh = inputs[:5]
    keep = inputs[14]
    steps, width = len(x), len(w_ih)
    hidden = width // KINDS[code].gates

    def kept(*shape: int) -> Tensor:
        return x.new_empty(shape if keep else 0)

    return (
        x.new_empty(steps, w_hh.shape[1]),
        torch.empty_like(h0),
        x.new_empty(0) if c0 is None else torch.empty_like(c0),
        kept(steps, width),
        kept(steps, width),
        kept(2, steps),
        x.new_empty(0) if c0 is None else kept(steps, hidden),
    )


def _fake_normed_backward(*inputs: Any) -> tuple[Tensor, ...]:
    x, _, h0, c0, w_ih, w_hh, _, _, *rest = inputs[4:17]
    bias = w_ih.new_empty(len(w_ih))
    return _gradients_like(x if inputs[-1] else None, h0, c0, w_ih, w_hh, bias, bias, *rest)


def _gradients_like(x: Tensor | None, h0: Tensor, *others: Tensor | None) -> tuple[Tensor, ...]:
    """A new tensor of the shape of each, empty for None."""
    given = (x, h0, *others)
    return tuple(h0.new_empty(0) if t is None else torch.empty_like(t) for t in given)


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    code, *given = inputs[:-8]
    sizes, reverse, _, recurrent, zone_h, zone_c, *rates = inputs[-8:]
    y, _, _, *kept = output
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*kept)
    ctx.save_for_backward(*given, sizes, recurrent, zone_h, zone_c, y, *kept)
    ctx.code, ctx.count, ctx.reverse, ctx.rates = code, len(given), reverse, rates


def _backward(
    ctx: Any,
    dy: Tensor | None,
    dh: Tensor | None,
    dc: Tensor | None,
    *_: Any,
    changed: bool = False,
) -> Any:
    """Gradients of the operator's inputs; `changed` says that y was changed in place since."""
    saved = ctx.saved_tensors  # accessed once, since a checkpoint allows no more
    given = saved[: ctx.count]
    sizes, recurrent, zone_h, zone_c, y, *kept = saved[ctx.count :]
    x, h0, c0, *weights = given
    grads: Sequence[Tensor | None]
    if torch.is_grad_enabled():
        zones = [zone_h, zone_c]
        grads = _reference_gradients(
            ctx.code, given, sizes, ctx.reverse, recurrent, zones, ctx.rates, (dy, dh, dc)
        )
    else:
        if changed:
            options = (sizes, ctx.reverse, True, recurrent, zone_h, zone_c, *ctx.rates)
            y, _, _, *kept = _operator(ctx.code, *given, *options)
        operator = torch.ops.elman.normed_backward.default
        if len(weights) == 5:
            w_ih, w_hh, b_ih, _, w_hr = weights
            weights = [w_ih, w_hh, w_hr, b_ih is not None]
            operator = torch.ops.elman.recurrence_backward.default
        grads = operator(
            ctx.code,
            None if dy is None else dy.contiguous(),
            torch.zeros_like(h0) if dh is None else dh.contiguous(),
            c0 if c0 is None else torch.zeros_like(c0) if dc is None else dc.contiguous(),
            *(x, y, h0, c0, *weights, *kept),
            *(sizes, ctx.reverse, recurrent, zone_h, zone_c, *ctx.rates),
            ctx.needs_input_grad[1],
        )
    found = [
        grad if tensor is not None and needed else None
        for grad, tensor, needed in zip(grads, given, ctx.needs_input_grad[1:], strict=False)
    ]
    return (None, *found, *[None] * 8)


class _Recurrence(torch.autograd.Function):
    """The operator with the gradient that `_register` declares.

    torch's own dispatch to a declared gradient processes all arguments in Python, which takes
    longer than a small layer. It is used under torch.compile, which cannot trace this class.
    """

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        with torch._C._AutoDispatchBelowAutograd():
            output = _operator(*inputs)
        y, *rest = output
        _setup_context(ctx, inputs, (y.data, *rest))
        ctx.version = Version(y)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _backward(ctx, *grads, changed=ctx.version.is_changed)


def _operator(*inputs: Any) -> Any:
    """Of the two operators the one that takes so many inputs: with four gains, or without."""
    if len(inputs) == 17:
        return torch.ops.elman.recurrence.default(*inputs)
    return torch.ops.elman.normed.default(*inputs)


def _register() -> None:
    for name, fake, fake_backward in (
        ("recurrence", _fake, _fake_backward),
        ("normed", _fake_normed, _fake_normed_backward),
    ):
        torch.library.register_fake(f"elman::{name}", fake)
        torch.library.register_fake(f"elman::{name}_backward", fake_backward)
        torch.library.register_autograd(f"elman::{name}", _backward, setup_context=_setup_context)


def _reference_gradients(
    code: int,
    given: Sequence[Tensor | None],
    sizes: Tensor | None,
    reverse: bool,
    recurrent: Tensor | None,
    zones: Sequence[Tensor | None],
    rates: Sequence[float],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients of `given`, the operator's inputs, by the plain loop; for double backward.

    `grads` are those of y, h and c; the other arguments are the operator's.
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
    on = any(isinstance(zone, Tensor) or zone > 0 for zone in zoned)
    regularization = Regularization(recurrent, tuple(zoned[: len(states)]) if on else None)
    weights = Weights(w_ih, w_hh, *rest)
    padded = packing.pad(x, steps)
    y, final = reference.run(
        KINDS[code], padded, states, weights, reverse, regularization, lengths=lengths
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
