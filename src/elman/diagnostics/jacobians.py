"""The Jacobian of one step, and the growth of products of them.

    J_t = d s_t / d s_{t-1},   s = (h), or (h, c) for an LSTM

In a stack the Jacobian of the whole state is block-triangular, since no state acts on a lower
layer, so its eigenvalues and Lyapunov exponents are those of the single layers.

Legend: T time, B batch, R sampled rows, S width of the state, Q exponents.
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
"""Number of blocks of steps in each row for the standard error of an exponent."""

EXACT = 300
"""The largest state whose eigenvalues are computed from the full Jacobian."""

KRYLOV = 100

_SMALLEST = 1e-30
"""Lower limit of the growth in one step, so that exponents stay finite."""


@dataclass(frozen=True, eq=False)
class Jacobians:
    """Step Jacobians of one layer along the sequence.

    Attributes:
        numbers: the N sampled steps, in the order of reading.
        singular: (N,), the largest singular value of each: the largest growth in one step.
        radius: (N,), the spectral radius of each: the growth per step if it were repeated.
    """

    numbers: tuple[int, ...]
    singular: Tensor
    radius: Tensor


@dataclass(frozen=True, eq=False)
class Lyapunov:
    """The largest Lyapunov exponents of one layer, in nats per step.

    Attributes:
        exponents: (Q,), in descending order; nearby states diverge above 0, converge below.
        errors: (Q,), their standard errors, from the means of blocks of steps.
        steps: number of steps they were averaged over, all rows together.
    """

    exponents: Tensor
    errors: Tensor
    steps: int


def step_jacobian(step: Step, row: int = 0) -> Tensor:
    """The Jacobian (S, S) of one row: J[i, j] = d s_t[i] / d s_{t-1}[j]."""
    width = flat(step.before).shape[1]
    identity = torch.eye(width, dtype=step.x.dtype, device=step.x.device)
    return pull_back(step, [row], identity.unsqueeze(0))[0]


def jacobians(steps: Sequence[Step], *, count: int | None = None) -> Jacobians:
    """Largest singular value and spectral radius of steps spread over the sequence.

    `steps` are of one layer, in the order of reading; of these `count` are sampled, by default 16,
    or 6 for a wide state.
    """
    width = flat(steps[0].before).shape[1]
    if count is None:
        count = 16 if width <= EXACT else 6
    # The first steps are left out: they come from the initial state, which is not typical.
    spread = torch.linspace(min(len(steps) // 4, 8), len(steps) - 1, min(count, len(steps)))
    chosen = sorted({round(float(number)) for number in spread})
    rows = steps[0].x.shape[0]
    singular, radius = [], []
    for turn, number in enumerate(chosen):
        matrix = step_jacobian(steps[number], turn % rows).double()
        singular.append(torch.linalg.eigvalsh(matrix.T @ matrix)[-1].clamp_min(0).sqrt())
        radius.append(spectral_radius(matrix))
    return Jacobians(tuple(chosen), torch.stack(singular), torch.stack(radius))


def spectral_radius(matrix: Tensor) -> Tensor:
    """The largest absolute eigenvalue of a square matrix.

    Above a width of `EXACT` it is computed in a Krylov space of `KRYLOV` vectors (Arnoldi), which
    agrees to better than 1 % for the outermost eigenvalue and takes a hundredth of the time.
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
            # Twice, since a single pass leaves rounding errors.
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
    """The largest Lyapunov exponents along the recorded steps, by the QR method.

    Q orthonormal vectors are propagated backward through the steps, as gradients are, and made
    orthonormal again after each: Q_{t-1} R_t = J_t' Q_t. The exponents are the means of
    ln |diag R_t|. They are those of the forward recurrence, since a product of matrices and its
    transpose have the same singular values. The first tenth of the steps is left out, until the
    vectors have converged.

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
    return Lyapunov(exponents[order], errors[order], settled.shape[0] * settled.shape[1])
