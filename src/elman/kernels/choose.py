"""Which backend runs a recurrence, and why: the only place that decides."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import torch

Backend: TypeAlias = Literal["native", "torch", "reference"]

_forced: ContextVar[Backend | None] = ContextVar("elman_backend", default=None)


@dataclass(frozen=True)
class Request:
    """What is asked of a backend."""

    kind: str
    device: torch.device
    dtype: torch.dtype
    extras: tuple[str, ...] = ()
    """What torch's own functions cannot do, such as "layer_norm"."""


@dataclass(frozen=True)
class Choice:
    """The backend that serves a request, and the reason in words."""

    backend: Backend
    reason: str

    def __str__(self) -> str:
        return f"{self.backend}: {self.reason}"


def choose(request: Request) -> Choice:
    """The backend for `request`: the forced one, or the fastest that can serve it.

    Raises:
        RuntimeError: a backend is forced with `use_backend` and cannot serve the request.
    """
    forced = _forced.get()
    refusals = {"native": _native_refusal(request), "torch": _torch_refusal(request)}
    if forced is not None:
        refusal = refusals.get(forced)
        if refusal:
            raise RuntimeError(f"the {forced} backend was forced but cannot serve this: {refusal}")
        return Choice(forced, "forced by use_backend")
    if not refusals["native"]:
        return Choice("native", "the fastest on a CPU")
    if not refusals["torch"]:
        return Choice("torch", f"ATen serves it; native does not: {refusals['native']}")
    return Choice("reference", f"torch does not serve it: {refusals['torch']}")


def _native_refusal(request: Request) -> str | None:
    del request
    return "no kernels are built into this installation"


def _torch_refusal(request: Request) -> str | None:
    if request.extras:
        return f"torch has no {', no '.join(request.extras)}"
    return None


@contextmanager
def use_backend(name: Backend) -> Iterator[None]:
    """Force a backend inside the ``with`` block; a request it cannot serve then raises.

    Args:
        name: "native", "torch" or "reference".

    Raises:
        ValueError: there is no such backend.
    """
    if name not in get_args(Backend):
        raise ValueError(f"backend should be one of {get_args(Backend)}, got {name!r}")
    token = _forced.set(name)
    try:
        yield
    finally:
        _forced.reset(token)
