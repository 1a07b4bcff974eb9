"""Memory of a training step: its peak over the level just before it, each in a fresh process.

`python -m benchmarks.speed.memory WHO KIND T B I H` is that process; it prints one JSON line.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

import elman
from benchmarks.results import circumstances, table, write_section
from benchmarks.speed.cells import KINDS, Cell
from benchmarks.speed.options import ROOT, Options
from benchmarks.speed.verify import tests_pass
from elman.errors import RunFailed
from elman.studies.timing import seconds

TITLE = "Memory of a training step"
SHAPES = ((784, 64, 1, 128), (100, 64, 512, 512))
OURS, RECOMPUTED, TORCH = "elman", "elman, recompute=True", "torch"
TIMED = 5
RECOMPUTED_PART, RECOMPUTED_TIME = 1 / 3, 1.4
"""Of torch's memory and of our own time without it, at most."""
LAYERS: dict[str, Any] = {
    **{f"{OURS} {kind}": getattr(elman, kind) for kind in KINDS},
    **{f"{TORCH} {kind}": getattr(nn, kind) for kind in KINDS},
}


@dataclass(frozen=True)
class Step:
    """What a step took."""

    bytes: int
    seconds: float


def recomputes() -> bool:
    """Whether our layers know `recompute` yet."""
    try:
        elman.LSTM(1, 1, recompute=True)
    except TypeError:
        return False
    return True


def memory(options: Options) -> None:
    """Write the section.

    Raises:
        RunFailed: a test is red, or this system does not tell the peak of memory.
    """
    tests_pass(options.out)
    threads = max(options.threads)
    who = [OURS, TORCH, *([RECOMPUTED] if recomputes() else [])]
    rows = []
    for sizes in SHAPES:
        for kind in KINDS:
            cell = Cell(kind, "train", *sizes)
            if options.cells and not any(
                part.lower() in cell.name.lower() for part in options.cells
            ):
                continue
            rows.append(row(cell, {name: _measured(name, cell, threads) for name in who}))
            sys.stderr.write(" | ".join(rows[-1]) + "\n")
    columns = ["cell", "elman, MB", "torch, MB", "ratio", "aim", "verdict"]
    columns += ["recompute, MB", "of torch", "time over elman's", "verdict"]
    text = f"""\
The most resident memory during a training step (forward, and backward to the input and every
weight) over the level just before it, in MB (10^6 bytes), read from VmHWM after it was set back
through /proc/self/clear_refs. A process for each figure; a step of two time steps has loaded the
libraries before. Input and layer lie below the level, the outputs and all gradients above it.
{"" if recomputes() else "Our layers have no `recompute=` yet."}

{table(columns, rows)}

{circumstances(options.command, threads)}"""
    print(f"## {TITLE}\n\n{text}")
    if options.results is not None:
        write_section(TITLE, text, options.results)


def row(cell: Cell, steps: dict[str, Step]) -> list[str]:
    """One line of the table, with its verdicts."""
    ours, theirs, less = steps[OURS], steps[TORCH], steps.get(RECOMPUTED)
    ratio = ours.bytes / theirs.bytes
    shown = [f"{cell.kind} {cell.shape}", f"{ours.bytes / 1e6:.1f}", f"{theirs.bytes / 1e6:.1f}"]
    shown += [f"{ratio:.2f}", "≤ 1", "met" if ratio <= 1 else "missed"]
    if less is None:
        return [*shown, "–", "–", "–", "–"]
    part, time = less.bytes / theirs.bytes, less.seconds / ours.seconds
    met = part <= RECOMPUTED_PART and time <= RECOMPUTED_TIME
    return [
        *shown,
        f"{less.bytes / 1e6:.1f}",
        f"{part:.2f}",
        f"{time:.2f}",
        "met" if met else "missed",
    ]


def _measured(who: str, cell: Cell, threads: int) -> Step:
    sizes = map(str, (cell.steps, cell.batch, cell.inputs, cell.hidden, threads))
    command = [sys.executable, "-m", "benchmarks.speed.memory", who, cell.kind, *sizes]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:]
        raise RunFailed(f"{who}, {cell.name}: {last[0] if last else 'failed'}")
    return Step(**json.loads(done.stdout))


def _step(layer: nn.Module, x: Tensor, dy: Tensor) -> None:
    x.grad = None
    layer.zero_grad(set_to_none=True)
    y, _ = layer(x)
    torch.autograd.backward(y, dy)


def _resident(field: str) -> int:
    status = Path("/proc/self/status").read_text(encoding="ascii")
    found = re.search(rf"^{field}:\s*(\d+) kB$", status, flags=re.MULTILINE)
    if not found:
        raise RunFailed(f"this system tells no {field}")
    return int(found[1]) * 1024


def main(who: str, kind: str, *sizes: str) -> None:
    """Be the process: one step watched, then a few timed."""
    steps, batch, inputs, hidden, threads = map(int, sizes)
    torch.set_num_threads(threads)
    options = {"recompute": True} if who == RECOMPUTED else {}
    layer = LAYERS[f"{who.split(',')[0]} {kind}"](inputs, hidden, **options)
    x = torch.randn(steps, batch, inputs)
    dy = torch.randn(steps, batch, hidden)
    _step(layer, x[:2].clone().requires_grad_(), dy[:2])
    layer.zero_grad(set_to_none=True)
    x.requires_grad_()
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # VmHWM begins anew
    before = _resident("VmRSS")
    _step(layer, x, dy)
    peak = _resident("VmHWM") - before
    times = [seconds(partial(_step, layer, x, dy)) for _ in range(TIMED)]
    print(json.dumps({"bytes": peak, "seconds": median(times)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
