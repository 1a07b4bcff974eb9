"""The measured peak rates of a core, held against what its instructions can do."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks.speed import machine


def has_bf16() -> bool:
    flags = Path("/proc/cpuinfo").read_text(encoding="utf-8").split()
    return "avx512_bf16" in flags


@pytest.mark.skipif(not has_bf16(), reason="the processor has no bf16 products")
def test_bf16_has_at_most_twice_the_products_of_fp32() -> None:
    # An instruction has two products a lane in place of one, and no processor issues more of them.
    peak = machine.peak()
    assert peak["fp32"] <= peak["bf16"] <= 2.3 * peak["fp32"]


def test_the_compiler_keeps_every_chain(tmp_path: Path) -> None:
    # Equal chains would be merged into one, whose rate would be counted twelve times.
    if shutil.which("cc") is None or os.uname().machine != "x86_64":
        pytest.skip("not a compiler for x86")
    code = tmp_path / "peak.s"
    flags = ["-O3", "-mavx512f", "-mavx512bf16", "-mfma"]
    subprocess.run(["cc", *flags, "-S", str(machine.SOURCE), "-o", str(code)], check=True)
    lines = code.read_text(encoding="ascii").splitlines()
    for instruction in ("vdpbf16ps", "vfmadd"):
        registers = {line.split()[-1] for line in lines if line.strip().startswith(instruction)}
        assert len(registers) >= 12
