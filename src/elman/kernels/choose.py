"""Chooses the backend that runs a recurrence, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeAlias, get_args

import torch
from torch import Tensor
from torch.autograd import forward_ad

from elman.kernels import native

Backend: TypeAlias = Literal["native", "torch", "reference"]

_forced: Backend | None = None  # a plain global, which torch.compile can read and guard


class Request(NamedTuple):
    """What is asked of a backend."""

    kind: str
    device: torch.device
    dtype: torch.dtype
    extras: tuple[str, ...] = ()
    """What torch's functions don't have, such as "layer norm"."""


@dataclass(frozen=True)
class Choice:
    """The backend for a request, the path through it, and why.

    Attributes:
        backend: "native", "torch" or "reference".
        reason: why this one.
        path: what runs inside of the backend; see `elman.explain`.
    """

    backend: Backend
    reason: str
    path: str = ""

    def __str__(self) -> str:
        path = f" ({self.path})" if self.path else ""
        return f"{self.backend}{path}: {self.reason}"


def choose(request: Request) -> Choice:
    """The backend for `request`: the forced one, or the fastest that serves it.

    Raises:
        RuntimeError: a backend is forced with `use_backend` and cannot serve the request.
    """
    if _forced is not None:
        refusals = {"native": _native_refusal, "torch": _torch_refusal}
        refusal = refusals[_forced](request) if _forced in refusals else None
        if refusal:
            raise RuntimeError(f"the {_forced} backend was forced but cannot serve this: {refusal}")
        return Choice(_forced, "forced by use_backend")
    reason = _native_refusal(request)
    if not reason:
        return _FASTEST
    refusal = _torch_refusal(request)
    if not refusal:
        return Choice("torch", f"ATen serves it; native does not: {reason}")
    return Choice("reference", f"torch does not serve it: {refusal}")


def is_tracing() -> bool:
    """Whether torch.jit.trace or torch.onnx is tracing what runs."""
    return torch._C._get_tracing_state() is not None


def is_native(x: Tensor) -> bool:
    """Whether `choose` would say "native" for a float32 input like `x` and no extras.

    Written for speed: it runs at every step of a stream, whose kernel takes a few microseconds.
    """
    return (
        x.dtype is torch.float32
        and x.is_cpu
        and native.BUILT
        and (_forced is None or _forced == "native")
        and _transform_refusal() is None
        and not is_tracing()
        and not torch.is_autocast_enabled("cpu")
    )


_FASTEST = Choice("native", "the fastest on a CPU")


def _native_refusal(request: Request) -> str | None:
    if not native.BUILT:
        return "no kernels are built into this installation"
    if request.device.type != "cpu":
        return f"they run on a CPU, not on {request.device.type}"
    if request.dtype not in (torch.float32, torch.bfloat16):
        return f"they take float32 and bfloat16, not {request.dtype}"
    if torch.is_autocast_enabled("cpu"):
        return "autocast is on"
    # What is traced has to run where elman is not, so it is made of torch's own operators.
    if is_tracing():
        return "torch.jit.trace or torch.onnx is tracing the model"
    if torch.compiler.is_exporting():
        return "torch.export is tracing the model"
    return _transform_refusal()


def _torch_refusal(request: Request) -> str | None:
    if request.extras:
        return f"torch has no {', no '.join(request.extras)}"
    return _transform_refusal()


def _transform_refusal() -> str | None:
    if torch._C._functorch.peek_interpreter_stack() is not None:
        return "a transform of torch.func is active"
    # Private, but there is no public name; tangents would be lost silently.
    if forward_ad._current_level >= 0:
        return "forward-mode differentiation is active"
    return None


@contextmanager
def use_backend(name: Backend) -> Iterator[None]:
    """Force a backend inside the ``with`` block, for the whole process.

    A request that it cannot serve raises.

    Args:
        name: "native", "torch" or "reference".

    Raises:
        ValueError: there is no such backend.
    """
    if name not in get_args(Backend):
        raise ValueError(f"backend should be one of {get_args(Backend)}, got {name!r}")
    global _forced
    before, _forced = _forced, name
    try:
        yield
    finally:
        _forced = before
