"""All layers in one call of an operator, forward and backward, for small networks and single steps.

There, separate calls for each layer would take longer than the arithmetic. Serves one direction
without lengths, and zoneout only in evaluation. Legend: T time, B batch, I input, H hidden,
L layers, R output of a step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from elman.kernels import native, recurrence
from elman.kernels.choose import Request
from elman.kernels.in_place import Version
from elman.kernels.kind import NONE, CellKind, Stack, States, Weights


def run(
    kind: CellKind,
    num_layers: int,
    x: Tensor,
    states: States,
    weights: Sequence[Tensor],
    rates: Sequence[float],
) -> tuple[Tensor, States]:
    """All layers, without gradients: x (T, B, I), or (B, I) for one step -> outputs and states.

    `states` are (L, B, R) and, of an LSTM, (L, B, H); () for zeros. `weights` are, of each layer in
    turn, U, V, the two biases if any, the projection if any. `rates`: zoneout of h and c.
    """
    h0, c0 = states if len(states) == 2 else (*states, None, None)[:2]
    code = native.CODES[kind.name]
    if num_layers == 1 and len(weights) in (2, 4) and not any(rates):
        y, h, c = _single(code, x, h0, c0, *weights, *((None, None) if len(weights) == 2 else ()))
    else:
        y, h, c, _ = _stack(code, num_layers, x, h0, c0, weights, *(*rates, 0.0)[:2], False)
    return y, (h,) if c is None else (h, c)


def run_differentiable(
    kind: CellKind, num_layers: int, x: Tensor, states: States, weights: Sequence[Tensor]
) -> tuple[Tensor, States]:
    """`run` without zoneout, differentiable in all tensors."""
    h0, c0 = (*[state.contiguous() for state in states], None, None)[:2]
    apply: Any = _FusedStack.apply
    y, *after = apply(kind, num_layers, x.contiguous(), h0, c0, *weights)
    return y, tuple(after)


class _FusedStack(torch.autograd.Function):
    """The autograd function of `run_differentiable`; double backward goes layer by layer."""

    @staticmethod
    def forward(
        ctx: Any,
        kind: CellKind,
        num_layers: int,
        x: Tensor,
        h0: Tensor | None,
        c0: Tensor | None,
        *weights: Tensor,
    ) -> tuple[Tensor, ...]:
        code = native.CODES[kind.name]
        y, h, c, kept = _stack(code, num_layers, x, h0, c0, weights, 0.0, 0.0, True)
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(x, h0, c0, y.data, kept, *weights)
        ctx.kind, ctx.num_layers, ctx.version = kind, num_layers, Version(y)
        return (y, h) if c is None else (y, h, c)

    @staticmethod
    def backward(
        ctx: Any, dy: Tensor | None, dh: Tensor | None, dc: Tensor | None = None
    ) -> tuple[Any, ...]:
        x, h0, c0, y, kept, *weights = ctx.saved_tensors
        if torch.is_grad_enabled() or _are_batched((dy, dh, dc)):
            given = (x, h0, c0, *weights)
            return None, None, *_layer_by_layer(ctx.kind, ctx.num_layers, given, (dy, dh, dc))
        need_x, need_h, need_c, *need_weights = ctx.needs_input_grad[2:]
        grads = [None if grad is None else grad.contiguous() for grad in (dy, dh, dc)]
        code = native.CODES[ctx.kind.name]
        if ctx.version.is_changed:
            y, _, _, kept = _stack(code, ctx.num_layers, x, h0, c0, weights, 0.0, 0.0, True)
        dx, dh0, dc0, found = _stack_backward(
            code, ctx.num_layers, *grads, x, h0, c0, weights, y, kept, need_x
        )
        return (
            *(None, None, dx, dh0 if need_h else None, dc0 if need_c else None),
            *[grad if need else None for grad, need in zip(found, need_weights, strict=True)],
        )


def _layer_by_layer(
    kind: CellKind,
    num_layers: int,
    given: Sequence[Tensor | None],
    grads: Sequence[Tensor | None],
) -> list[Tensor | None]:
    """Gradients of the inputs of `_FusedStack` from a second run, layer by layer.

    For double backward and batched gradients, which the fused operator does not have.
    """
    with torch.enable_grad():
        given = native.separate_views(given)
        x, h0, c0, *flat = given
        assert x is not None
        each = len(flat) // num_layers
        weights = [_weights_of(flat[at : at + each]) for at in range(0, len(flat), each)]
        steps = x if x.dim() == 3 else x.unsqueeze(0)
        states = tuple(state for state in (h0, c0) if state is not None)
        if not states:
            rows, outputs = weights[0].hh.shape
            for width in (outputs, rows // kind.gates)[: len(kind.state_names)]:
                states += (x.new_zeros(num_layers, steps.shape[1], width),)
        y, after = recurrence.run(
            Stack(kind, weights, num_layers, False, 0.0, training=True),
            Request(kind.name, x.device, x.dtype),
            steps,
            states,
            lengths=None,
            regularization=[NONE] * num_layers,
        )
        made = (y if x.dim() == 3 else y[0], *after)
    return native.gradients(made, given, grads)


def _are_batched(grads: Sequence[Tensor | None]) -> bool:
    """Whether they are batches of gradients, from `is_grads_batched`."""
    is_batched = torch._C._functorch.is_legacy_batchedtensor
    return any(grad is not None and is_batched(grad) for grad in grads)


def _weights_of(flat: Sequence[Tensor | None]) -> Weights:
    """One layer's weights, from the order of torch's parameters."""
    hr = flat[-1] if len(flat) % 2 else None
    biases = flat[2:4] if len(flat) >= 4 else (None, None)
    return Weights._make([*flat[:2], *biases, hr, *[None] * 4])


def _fake(
    code: int,
    layers: int,
    x: Tensor,
    h0: Tensor | None,
    c0: Tensor | None,
    weights: Sequence[Tensor],
    rate_h: float,
    rate_c: float,
    keep: bool,
) -> tuple[Tensor, Tensor, Tensor | None, Tensor | None]:
    rows, outputs = weights[1].shape
    kind, batch = native.KINDS[code], x.shape[-2]
    hidden, lstm = rows // kind.gates, "c" in kind.state_names
    steps = x.numel() // x.shape[-1]
    slots = (4 if kind.gates > 1 else 0) + lstm
    kept = steps * ((layers - 1) * outputs + layers * slots * hidden)
    return (
        x.new_empty(*x.shape[:-1], outputs),
        x.new_empty(layers, batch, outputs),
        x.new_empty(layers, batch, hidden) if lstm else None,
        x.new_empty(kept) if keep else None,
    )


def _fake_backward(
    code: int, layers: int, *inputs: Any
) -> tuple[Tensor | None, Tensor, Tensor | None, list[Tensor]]:
    _, _, _, x, _, _, weights, *_, need_dx = inputs
    _, h, c, _ = _fake(code, layers, x, None, None, weights, 0.0, 0.0, False)
    dx = torch.empty_like(x) if need_dx else None
    return dx, h, c, [torch.empty_like(weight) for weight in weights]


def _fake_single(
    code: int, x: Tensor, h0: Tensor | None, c0: Tensor | None, *weights: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    given = [weight for weight in weights if weight is not None]
    return _fake(code, 1, x, h0, c0, given, 0.0, 0.0, False)[:3]


# Looked up once, since a lookup takes a tenth of a step.
_single: Any = None
_stack: Any = None
_stack_backward: Any = None
if native.BUILT:
    torch.library.register_fake("elman::single", _fake_single)
    torch.library.register_fake("elman::stack", _fake)
    torch.library.register_fake("elman::stack_backward", _fake_backward)
    # The overload's __call__ only forwards, which takes another tenth.
    _single = torch.ops.elman.single.default._op
    _stack = torch.ops.elman.stack.default
    _stack_backward = torch.ops.elman.stack_backward.default
