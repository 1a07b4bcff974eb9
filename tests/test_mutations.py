"""Faults put in on purpose: the suite has to go red for each of them."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from elman.kernels import native, reference, rnn
from elman.kernels.kind import CellKind, Regularization, States, Weights
from elman.layers.gru import GRU
from elman.layers.lstm import LSTM
from tests.cases import Case
from tests.layers import test_against_torch, test_equality, test_regularize

RED = AssertionError
"""A mutant is caught by a failed assertion; one that crashes proves nothing."""


@pytest.fixture(params=[1, 2, 3], ids=["swapped gates", "reversed time", "ignored initial state"])
def mutated_kernels(request: pytest.FixtureRequest) -> Iterator[None]:
    """A fault in the compiled kernels; see csrc/mutation.h."""
    path = native.library()
    assert path is not None
    mutate = ctypes.CDLL(path).elman_set_mutation
    mutate(request.param)
    yield
    mutate(0)


def mutate_step(monkeypatch: pytest.MonkeyPatch, layer: type, change: Any) -> None:
    kind: CellKind = layer.kind  # type: ignore[attr-defined]
    monkeypatch.setattr(layer, "kind", replace(kind, step=change(kind.step)))


@pytest.mark.parametrize(("layer", "cell", "gates"), [(LSTM, "lstm", 4), (GRU, "gru", 3)])
@pytest.mark.parametrize("first", [0, 1])
def test_swapped_gates(
    layer: type, cell: str, gates: int, first: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def swapped(step: Any) -> Any:
        def mutant(u: Tensor, states: States, weights: Weights, mask: Tensor | None) -> States:
            order = list(range(gates))
            order[first], order[first + 1] = order[first + 1], order[first]
            blocks = [u.chunk(gates, -1)[place] for place in order]
            rows = [weights.hh.chunk(gates)[place] for place in order]
            return step(torch.cat(blocks, -1), states, weights._replace(hh=torch.cat(rows)), mask)

        return mutant

    mutate_step(monkeypatch, layer, swapped)
    with pytest.raises(RED):
        test_against_torch.check(Case(cell=cell), "reference")


def test_a_gradient_cut_inside_the_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut(step: Any) -> Any:
        return lambda u, states, w, mask: step(u, tuple(s.detach() for s in states), w, mask)

    mutate_step(monkeypatch, LSTM, cut)
    with pytest.raises(RED):
        test_against_torch.check(Case(cell="lstm"), "reference")


def test_stale_state(monkeypatch: pytest.MonkeyPatch) -> None:
    run = reference.run

    def forgetful(kind: CellKind, x: Tensor, states: States, *rest: Any, **options: Any) -> Any:
        return run(kind, x, tuple(torch.zeros_like(s) for s in states), *rest, **options)

    monkeypatch.setattr(reference, "run", forgetful)
    with pytest.raises(RED):
        test_against_torch.check(Case(cell="gru", begin="given"), "reference")


def test_the_last_output_taken_for_the_final_state(monkeypatch: pytest.MonkeyPatch) -> None:
    run = reference.run

    def padded(*args: Any, **options: Any) -> tuple[Tensor, States]:
        y, _ = run(*args, **options)
        return y, (y[-1],)

    monkeypatch.setattr(reference, "run", padded)
    with pytest.raises(RED):
        test_against_torch.check(Case(cell="gru", lengths="ragged"), "reference")


def test_the_backward_direction_begun_in_the_padding(monkeypatch: pytest.MonkeyPatch) -> None:
    run = reference.run

    def unaware(*args: Any, lengths: Tensor | None) -> Any:
        *_, reverse, _ = args
        return run(*args, lengths=None if reverse else lengths)

    monkeypatch.setattr(reference, "run", unaware)
    with pytest.raises(RED):
        test_against_torch.check(
            Case(cell="rnn", lengths="ragged", bidirectional=True), "reference"
        )
    with pytest.raises(RED):
        test_equality.test_nothing_in_the_padding_is_read("rnn", "reference")


def test_a_zoneout_mask_frozen_at_the_first_step(monkeypatch: pytest.MonkeyPatch) -> None:
    mix = Regularization.mix
    monkeypatch.setattr(Regularization, "mix", lambda self, new, old, t: mix(self, new, old, 0))
    with pytest.raises(RED):
        test_regularize.test_zoneout_draws_a_mask_at_every_step()


def test_a_recurrent_mask_drawn_anew_at_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    def redrawn(h: Tensor, mask: Tensor) -> Tensor:
        return h * (torch.rand_like(h) > 0.5) * 2

    monkeypatch.setattr(rnn, "dropped", redrawn)
    with pytest.raises(RED):
        test_regularize.test_recurrent_dropout_is_gal_2016()


# Small and large batches, which are computed with unpacked and with packed weights.
@pytest.mark.parametrize("batch", [2, 9])
@pytest.mark.parametrize("lengths", ["none", "ragged"])
@pytest.mark.usefixtures("mutated_kernels")
def test_a_fault_in_the_compiled_kernels(batch: int, lengths: str) -> None:
    case = Case("gru", torch.float32, batch=batch, lengths=lengths, begin="given")
    with pytest.raises(RED):
        test_against_torch.check(case, "native")


@pytest.mark.parametrize("batch", [2, 9])
def test_the_compiled_kernels_without_a_fault(batch: int) -> None:
    case = Case("gru", torch.float32, batch=batch, begin="given")
    test_against_torch.check(case, "native")
