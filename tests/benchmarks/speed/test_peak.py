"""The measured peak rates of a core, held against what its instructions can do."""

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
