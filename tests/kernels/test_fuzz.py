"""Random shapes, lengths and options: the kernels against torch."""

from __future__ import annotations

import random
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


def fuzz(cases: int, seed: int) -> None:
    """Check so many random cases; a failure names its seed and case."""
    generator = random.Random(seed)
    before = torch.get_num_threads()
    for tried in range(cases):
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


def test_a_few_cases() -> None:
    fuzz(20, seed=0)


@pytest.mark.slow
def test_thousands_of_new_cases() -> None:
    fuzz(2000, seed=random.randrange(2**32))
