"""Layer normalization: our kernels, the plain loop, and our kernels without it, turn by turn."""

from __future__ import annotations

import sys
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

import elman
from benchmarks.results import circumstances, table, write_section
from benchmarks.speed import machine
from benchmarks.speed.bound import Machine, bound
from benchmarks.speed.cells import KINDS, Cell, Mode
from benchmarks.speed.match import Effort
from benchmarks.speed.options import Options
from benchmarks.speed.report import number
from benchmarks.speed.summary import geometric_mean, median, paired_ratio
from benchmarks.speed.verify import tests_pass
from elman.kernels.choose import Backend
from elman.studies.timing import interleaved

TITLE = "Speed: layer normalization"
SHAPES = ((35, 20, 200), (100, 32, 256), (50, 8, 64))  # T, B, and I = H
MODES: tuple[Mode, ...] = ("train", "infer")
AIM = 3.0
"""Times as fast as the reference, at least."""
NATIVE, REFERENCE, WITHOUT = "native", "reference", "without"
COLUMNS = ["cell", "threads", "bound, ms", "native, ms", "reference, ms", "times as fast"]
COLUMNS += ["aim", "verdict", "native over the same without"]
_BACKENDS: dict[str, Any] = {NATIVE: "native", REFERENCE: "reference", WITHOUT: "native"}


def layer_norm(options: Options) -> None:
    """Write the section.

    Raises:
        RunFailed: a test is red, or there is no C compiler for the bound.
    """
    tests_pass(options.out)
    limits = machine.measure()
    rows, ratios = [], []
    for threads in options.threads:
        for mode in (mode for mode in MODES if mode in options.modes):
            for sizes in SHAPES:
                for kind in KINDS:
                    cell = Cell(kind, mode, *sizes, sizes[-1])
                    times = timed(cell, threads, options.effort)
                    rows.append(row(cell, threads, times, limits))
                    ratios.append(paired_ratio(times[REFERENCE], times[NATIVE]))
                    sys.stderr.write(" | ".join(rows[-1]) + "\n")
    text = f"""\
Layers with `layer_norm=True`, in one process: our kernels, the plain loop of torch's operators
(`use_backend("reference")`), and our kernels on the same layer without it, in turn; medians, and
medians of the ratios within each round. Training is forward, and backward to the input and every
parameter. The bound is that of the products alone, as above; no kernel can be {AIM:g} times as fast
as a loop that takes less than {AIM:g} times the bound.

{table(COLUMNS, rows)}

Geometric mean over {len(ratios)} rows: **{geometric_mean(ratios):.2f}** times as fast.

{circumstances(options.command, max(options.threads))}"""
    print(f"## {TITLE}\n\n{text}")
    if options.results is not None:
        write_section(TITLE, text, options.results)


def timed(cell: Cell, threads: int, effort: Effort) -> dict[str, list[float]]:
    """Seconds of each, a turn in each round."""
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    layers = {
        who: getattr(elman, cell.kind)(cell.inputs, cell.hidden, layer_norm=who != WITHOUT)
        for who in _BACKENDS
    }
    x = torch.randn(cell.steps, cell.batch, cell.inputs, requires_grad=cell.mode == "train")
    dy = torch.randn(cell.steps, cell.batch, cell.hidden)
    calls = {who: partial(_run, _BACKENDS[who], layer, x, dy) for who, layer in layers.items()}
    return interleaved(calls, effort.rounds)


def row(cell: Cell, threads: int, times: dict[str, list[float]], limits: Machine) -> list[str]:
    """One line of the table, with its verdict."""
    faster = paired_ratio(times[REFERENCE], times[NATIVE])
    return [
        cell.name,
        str(threads),
        *(
            number(1e3 * seconds)
            for seconds in (
                bound(cell, threads, "fp32", limits),
                median(times[NATIVE]),
                median(times[REFERENCE]),
            )
        ),
        f"{faster:.2f}",
        f"≥ {AIM:g}",
        "met" if faster >= AIM else "missed",
        f"{paired_ratio(times[NATIVE], times[WITHOUT]):.2f}",
    ]


def _run(backend: Backend, layer: nn.Module, x: Tensor, dy: Tensor) -> None:
    with elman.use_backend(backend):
        if not x.requires_grad:
            with torch.inference_mode():
                layer(x)
            return
        x.grad = None
        layer.zero_grad(set_to_none=True)
        torch.autograd.backward(layer(x)[0], dy)
