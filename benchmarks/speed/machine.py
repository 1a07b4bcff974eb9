"""What one core of this machine can do, measured by peak.c in about a second."""

from __future__ import annotations

import ctypes
import os
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.speed.bound import Level, Machine
from benchmarks.speed.cells import Dtype
from elman.errors import RunFailed

SOURCE = Path(__file__).with_name("peak.c")
SECONDS = 0.15
CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
USUAL_SIZES = (32 << 10, 512 << 10, 16 << 20)
MEMORY_BYTES = 256 << 20
ALIGNMENT = 64


def measure() -> Machine:
    """Compile peak.c for this processor and run it on one core.

    Raises:
        RunFailed: there is no C compiler, or it fails.
    """
    with TemporaryDirectory() as folder:
        functions = _compiled(Path(folder))
        return Machine(_peak(functions), _levels(functions, cache_sizes()))


def peak() -> dict[Dtype, float]:
    """FLOP/s of one core.

    Raises:
        RunFailed: as `measure`.
    """
    with TemporaryDirectory() as folder:
        return _peak(_compiled(Path(folder)))


def _peak(functions: ctypes.CDLL) -> dict[Dtype, float]:
    seconds = ctypes.c_double(SECONDS)
    fp32 = functions.fma_rate(seconds)
    # Widening to fp32 is always possible, and on some processors faster than the bf16 products.
    return {"fp32": fp32, "bf16": max(fp32, functions.bf16_rate(seconds))}


def _compiled(folder: Path) -> ctypes.CDLL:
    library = folder / "peak.so"
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", str(SOURCE)]
    try:
        subprocess.run([*command, "-o", str(library)], check=True, capture_output=True)
    except OSError as error:
        raise RunFailed(f"{compiler}: {error.strerror}; the bound needs a C compiler") from None
    except subprocess.CalledProcessError as error:
        raise RunFailed(f"{' '.join(command)}: {error.stderr.decode()[-500:]}") from None
    functions = ctypes.CDLL(str(library))
    functions.fma_rate.restype = functions.bf16_rate.restype = ctypes.c_double
    functions.read_rate.restype = ctypes.c_double
    return functions


def cache_sizes(folder: Path = CACHES) -> tuple[int, ...]:
    """Bytes of the data caches of the levels 1 to 3, as the system tells, or else usual ones."""
    sizes = list(USUAL_SIZES)
    for index in folder.glob("index*"):
        level, kind, size = (
            (index / name).read_text(encoding="ascii").strip() for name in ("level", "type", "size")
        )
        if kind != "Instruction" and size.endswith("K") and int(level) <= len(sizes):
            sizes[int(level) - 1] = int(size[:-1]) << 10
    return tuple(sizes)


def _levels(functions: ctypes.CDLL, sizes: tuple[int, ...]) -> tuple[Level, ...]:
    memory = max(MEMORY_BYTES, 4 * sizes[-1])
    block = np.ones(memory + ALIGNMENT, np.uint8)
    start = block.ctypes.data + -block.ctypes.data % ALIGNMENT
    levels = []
    below = 0
    for name, size in zip(("L1", "L2", "L3", "memory"), (*sizes, memory), strict=True):
        # Far larger than the level below, and with room left for what else lies in this one.
        read = memory if name == "memory" else min(size // 2, 8 * below or size)
        rate = functions.read_rate(
            ctypes.c_void_p(start), ctypes.c_size_t(read), ctypes.c_double(SECONDS)
        )
        levels.append(Level(name, size, rate))
        below = size
    return tuple(levels)


def others_share(seconds: float = 1.0) -> float:
    """How much of the processors' time others use while this process sleeps; 0 if unknown."""
    try:
        before = _ticks()
        time.sleep(seconds)
        idle, total = (now - then for now, then in zip(_ticks(), before, strict=True))
    except OSError:
        return 0.0
    return 1 - idle / total if total else 0.0


def _ticks() -> tuple[int, int]:
    """Idle time and all time of all processors since the start."""
    first = Path("/proc/stat").read_text(encoding="ascii").splitlines()[0]
    spent = [int(number) for number in first.split()[1:9]]
    return spent[3] + spent[4], sum(spent)
