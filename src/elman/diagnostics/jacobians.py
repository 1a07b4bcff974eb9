"""The Jacobian of a step, and how products of it grow.

    J_t = d s_t / d s_{t-1},   s = (h), or (h, c) for an LSTM

Where layers are stacked, the Jacobian of the whole state is block-triangular, since no state acts
on a lower layer. Its eigenvalues and Lyapunov exponents are those of the layers, taken one by one.

Legend: T time, B batch, R rows looked at, S width of the state, Q exponents.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from elman.diagnostics.steps import flat, pull_back
from elman.layers.instrument import Step

BLOCKS = 8
"""Blocks that each row's series is cut into for the standard error of an exponent."""

EXACT = 300
"""Up to this width of the state, eigenvalues are computed of the whole Jacobian."""

KRYLOV = 100

_SMALLEST = 1e-30
"""A direction that a step wipes out counts as shrunk by this much, so exponents stay finite."""


@dataclass(frozen=True, eq=False)
class Jacobians:
    """Step Jacobians of one place along the sequence.

    Attributes:
        place: which layer and direction.
        numbers: the steps that were looked at, in the order of reading.
        singular: (N,), the largest singular value at each: the most that a step can stretch.
        radius: (N,), the spectral radius: what a step repeated for ever would grow by.
    """

    place: str
    numbers: tuple[int, ...]
    singular: Tensor
    radius: Tensor


@dataclass(frozen=True, eq=False)
class Lyapunov:
    """The largest Lyapunov exponents of one place, in nats per step.

    Attributes:
        place: which layer and direction.
        exponents: (Q,), falling: above 0 nearby states part, below 0 they meet.
        errors: (Q,), their standard errors, from the means of blocks of steps.
        steps: over how many steps, of all rows together.
    """

    place: str
    exponents: Tensor
    errors: Tensor
    steps: int


def step_jacobian(step: Step, row: int = 0) -> Tensor:
    """J_t of one row, (S, S): J[i, j] = d s_t[i] / d s_{t-1}[j]."""
    width = flat(step.before).shape[1]
    identity = torch.eye(width, dtype=step.x.dtype, device=step.x.device)
    return pull_back(step, [row], identity.unsqueeze(0))[0]


def jacobians(steps: Sequence[Step], *, count: int | None = None) -> Jacobians:
    """Largest singular value and spectral radius of steps spread over the sequence.

    Args:
        steps: of one place, in the order of reading.
        count: how many; by default 16, and 6 where the state is wide.
    """
    width = flat(steps[0].before).shape[1]
    if count is None:
        count = 16 if width <= EXACT else 6
    # The first steps come from the initial state, which is like no other.
    spread = torch.linspace(min(len(steps) // 4, 8), len(steps) - 1, min(count, len(steps)))
    chosen = sorted({round(float(number)) for number in spread})
    rows = steps[0].x.shape[0]
    singular, radius = [], []
    for turn, number in enumerate(chosen):
        matrix = step_jacobian(steps[number], turn % rows).double()
        singular.append(torch.linalg.eigvalsh(matrix.T @ matrix)[-1].clamp_min(0).sqrt())
        radius.append(spectral_radius(matrix))
    return Jacobians(steps[0].place, tuple(chosen), torch.stack(singular), torch.stack(radius))


def spectral_radius(matrix: Tensor) -> Tensor:
    """The largest absolute eigenvalue of a square matrix.

    Above a width of `EXACT`, that of its Krylov space of `KRYLOV` vectors (Arnoldi), which for the
    outermost eigenvalue agrees to better than a percent and takes a hundredth of the time.
    """
    width = len(matrix)
    if width > EXACT:
        generator = torch.Generator().manual_seed(0)
        basis = torch.zeros(KRYLOV, width, dtype=matrix.dtype)
        basis[0] = torch.nn.functional.normalize(
            torch.randn(width, generator=generator, dtype=matrix.dtype), dim=0
        )
        for number in range(1, KRYLOV):
            vector = matrix @ basis[number - 1]
            # Twice, since once leaves what rounding put in.
            for _ in range(2):
                vector = vector - basis[:number].T @ (basis[:number] @ vector)
            length = vector.norm()
            if float(length) < 1e-12:
                basis = basis[:number]
                break
            basis[number] = vector / length
        matrix = basis @ matrix @ basis.T
    return torch.amax(torch.linalg.eigvals(matrix).abs())


def lyapunov(steps: Sequence[Step], *, count: int = 4, rows: int = 4) -> Lyapunov:
    """The largest exponents by the QR method, along the steps as they were taken.

    Q orthonormal vectors go back through the steps, as gradients do, and are made orthonormal
    again after each: Q_{t-1} R_t = J_t' Q_t. The exponents are the means of ln |diag R_t|; the
    product of transposed Jacobians has the singular values of the product itself, so they are
    those of the forward recurrence. A tenth of the steps is left out until the vectors have
    turned into place.

    Source: Benettin et al. 1980, Meccanica 15; for recurrent networks Engelken et al. 2023,
    arXiv:2006.02427.
    """
    batch_size, width = flat(steps[0].before).shape
    rows, count = min(rows, batch_size), min(count, width)
    index = torch.arange(rows)
    generator = torch.Generator().manual_seed(0)
    start = torch.randn(rows, width, count, generator=generator, dtype=torch.float64)
    basis = torch.linalg.qr(start)[0]
    series = []
    for step in reversed(steps):
        pulled = pull_back(step, index, basis.mT.to(step.x)).double().cpu()
        basis, triangle = torch.linalg.qr(pulled.mT)
        stretch = triangle.diagonal(dim1=-2, dim2=-1).abs()
        series.append(stretch.clamp_min(_SMALLEST).log())
    settled = torch.stack(series[len(series) // 10 :])  # (T', R, Q)
    exponents = settled.mean((0, 1))
    blocks = torch.stack([b.mean(0) for b in settled.tensor_split(min(BLOCKS, len(settled)))])
    means = blocks.flatten(0, 1)
    errors = means.std(0) / math.sqrt(len(means))
    order = exponents.argsort(descending=True)
    return Lyapunov(
        steps[0].place, exponents[order], errors[order], settled.shape[0] * settled.shape[1]
    )
