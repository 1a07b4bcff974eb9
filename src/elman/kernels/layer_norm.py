"""The `native` backend with layer normalization (Ba et al. 2016, arXiv:1607.06450).

Called like `native.run` and `native.step`. Legend: as in native.py.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from elman.kernels import native
from elman.kernels.kind import CellKind, Regularization, States, Weights

_GIVEN = 12
"""The number of tensors that the operator takes: x, h, c and nine weights."""


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
    """One layer in one direction over packed steps, x (N, I); see `native.run`."""
    gains = (weights.norm_ih, weights.norm_hh, weights.norm_c, weights.norm_c_bias)
    given = (
        *native.contiguous(x, states, weights),
        *(None if gain is None else gain.contiguous() for gain in gains),
    )
    keep = torch.is_grad_enabled() and any(t is not None and t.requires_grad for t in given)
    masks, rates = native.zoneout_of(regularization)
    run_op = _LayerNorm.apply if keep and not torch.compiler.is_compiling() else _layer_norm
    code = native.CODES[kind.name]
    y, h, c, *_ = run_op(
        code, *given, sizes, reverse, keep, regularization.recurrent, *masks, *rates
    )
    return y, (h,) if len(states) == 1 else (h, c)


def step(
    kind: CellKind, x: Tensor, states: States, weights: Weights, regularization: Regularization
) -> States:
    """The states after one step (B, I) of one layer, without masks over time."""
    _, after = run(
        kind, x, states, weights, sizes=None, reverse=False, regularization=regularization
    )
    return after


def _register() -> None:
    torch.library.register_fake("elman::normed", _fake)
    torch.library.register_fake("elman::normed_backward", _fake_backward)
    torch.library.register_autograd("elman::normed", _backward, setup_context=_setup_context)


def _fake(code: int, *inputs: Any) -> tuple[Tensor, ...]:
    x: Tensor
    x, h0, c0, w_ih, w_hh = inputs[:5]
    keep = inputs[_GIVEN + 2]
    steps, width = len(x), len(w_ih)
    hidden = width // native.KINDS[code].gates

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


def _fake_backward(*inputs: Any) -> tuple[Tensor, ...]:
    x, need_dx = inputs[4], inputs[-1]
    h0, c0, w_ih, w_hh, _, _, w_hr, *gains = inputs[6 : 5 + _GIVEN]
    width = len(w_ih)

    def like(tensor: Tensor | None) -> Tensor:
        return x.new_empty(0) if tensor is None else torch.empty_like(tensor)

    return (
        torch.empty_like(x) if need_dx else x.new_empty(0),
        *(like(tensor) for tensor in (h0, c0, w_ih, w_hh)),
        x.new_empty(width),
        x.new_empty(width),
        *(like(tensor) for tensor in (w_hr, *gains)),
    )


def _setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
    code, *given = inputs[: _GIVEN + 1]
    sizes, reverse, _, recurrent, zone_h, zone_c, *rates = inputs[_GIVEN + 1 :]
    y, _, _, *kept = output
    ctx.set_materialize_grads(False)
    ctx.mark_non_differentiable(*kept)
    ctx.save_for_backward(*given, sizes, recurrent, zone_h, zone_c, y, *kept)
    ctx.code, ctx.reverse, ctx.rates = code, reverse, rates


def _backward(ctx: Any, dy: Tensor | None, dh: Tensor | None, dc: Tensor | None, *_: Any) -> Any:
    saved = ctx.saved_tensors  # accessed once, since a checkpoint allows no more
    given = saved[:_GIVEN]
    sizes, recurrent, zone_h, zone_c, y, *kept = saved[_GIVEN:]
    x, h0, c0, *weights = given
    if torch.is_grad_enabled():
        regularization = (recurrent, (zone_h, zone_c), ctx.rates)
        grads = native.reference_gradients(
            ctx.code, given, sizes, ctx.reverse, *regularization, (dy, dh, dc)
        )
    else:
        grads = torch.ops.elman.normed_backward.default(
            ctx.code,
            None if dy is None else dy.contiguous(),
            torch.zeros_like(h0) if dh is None else dh.contiguous(),
            c0 if c0 is None else torch.zeros_like(c0) if dc is None else dc.contiguous(),
            x,
            y,
            h0,
            c0,
            *weights,
            *kept,
            sizes,
            ctx.reverse,
            recurrent,
            zone_h,
            zone_c,
            *ctx.rates,
            ctx.needs_input_grad[1],
        )
    wanted = [
        grad if tensor is not None and needed else None
        for grad, tensor, needed in zip(grads, given, ctx.needs_input_grad[1:], strict=False)
    ]
    return (None, *wanted, *[None] * 8)


class _LayerNorm(torch.autograd.Function):
    """The operator with its gradient; see `native._Recurrence`."""

    @staticmethod
    def forward(ctx: Any, *inputs: Any) -> Any:
        with torch._C._AutoDispatchBelowAutograd():
            output = _layer_norm(*inputs)
        _setup_context(ctx, inputs, output)
        return output

    @staticmethod
    def backward(ctx: Any, *grads: Any) -> Any:
        return _backward(ctx, *grads)


def _layer_norm(*inputs: Any) -> Any:
    return torch.ops.elman.normed.default(*inputs)


if native.BUILT:
    _register()
