"""Shapes and lengths that nobody thought of: the kernels against torch for as long as given."""

from __future__ import annotations

import random
import time
from dataclasses import replace

import pytest
import torch

from tests.cases import KERNEL_AXES, NOISES, Case
from tests.kernels.test_layer_norm import check_normed
from tests.layers.test_against_torch import check

pytestmark = pytest.mark.usefixtures("poisoned_memory")


def drawn(generator: random.Random) -> Case:
    """A case with sizes from 1 to 99, small ones as often as large ones."""
    case = Case(**{name: generator.choice(values) for name, values in KERNEL_AXES.items()})

    def size(most: int) -> int:
        return int(most ** generator.random())

    return replace(
        case,
        steps=size(60),
        batch=size(99),
        input_size=size(99),
        hidden_size=1 + size(99),
        layers=generator.choice((1, 1, 2)),
    )


def fuzz(seconds: float, seed: int) -> int:
    """How many cases were tried; a failure names its own."""
    generator = random.Random(seed)
    end = time.monotonic() + seconds
    tried = 0
    before = torch.get_num_threads()
    while time.monotonic() < end:
        case = drawn(generator)
        torch.set_num_threads(generator.choice((1, 2, 3)))
        try:
            if generator.random() < 0.7:
                check(case, "native")
            else:
                noise = NOISES[generator.choice(tuple(NOISES))]
                check_normed(case, noise, generator.random() < 0.7)
        except Exception as error:
            raise AssertionError(f"seed {seed}, case {tried}: {case!r}") from error
        finally:
            torch.set_num_threads(before)
        tried += 1
    return tried


def test_for_a_moment() -> None:
    assert fuzz(3, seed=0)


@pytest.mark.slow
def test_for_five_minutes() -> None:
    assert fuzz(300, seed=random.randrange(2**32))
