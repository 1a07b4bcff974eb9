"""A layer in one call of an operator: the outputs and errors of the slow path."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils import parametrizations, prune
from torch.utils._pytree import tree_leaves

import elman
from elman import State
from elman.kernels import aten, fused_stack, native, reference
from elman.layers import fast_path
from elman.layers.instrument import watched
from elman.layers.stack import RecurrentStack
from tests.cases import CELLS, KERNELS, NATIVE, Case

pytestmark = pytest.mark.usefixtures("poisoned_memory")
PLAIN = sorted(
    {replace(case, lengths="none", bidirectional=False) for case in (*NATIVE, *KERNELS)}, key=str
)


def slow_path(layer: RecurrentStack) -> None:
    object.__setattr__(layer, "_fast_path", lambda *_: None)


def both_paths(
    layer: RecurrentStack, run: Callable[[], Any], mode: Any = torch.inference_mode
) -> tuple[list[Tensor], list[Tensor]]:
    """The tensors that `run` gives on the fast path, and on the slow path."""
    with mode():
        fast = tree_leaves(run())
        slow_path(layer)
        slow = tree_leaves(run())
    object.__delattr__(layer, "_fast_path")
    return fast, slow


def equal(both: tuple[list[Tensor], list[Tensor]]) -> None:
    for fast, slow in zip(*both, strict=True):
        assert fast.shape == slow.shape
        assert torch.equal(fast, slow)


@pytest.mark.parametrize("case", PLAIN, ids=str)
def test_whole_sequences(case: Case) -> None:
    layer, x = case.ours().eval(), case.input()
    hx = case.hx(layer)
    time_major = x.transpose(0, 1) if layer.batch_first else x
    with torch.inference_mode():
        assert not isinstance(fast_path.call_of(layer, time_major, hx), str)
    equal(both_paths(layer, lambda: layer(x, hx)))


@pytest.mark.parametrize("layers", [1, 3])
@pytest.mark.parametrize("cell", CELLS)
def test_steps_and_states(cell: str, layers: int) -> None:
    case = Case(cell=cell, dtype=torch.float32, layers=layers, begin="given")
    layer, x = case.ours(zoneout=0.3).eval(), case.input()
    state = State.of(layer, case.hx(layer))
    kept = state.clone()
    equal(both_paths(layer, lambda: layer.step(x[0], state)))
    equal(both_paths(layer, lambda: layer.scan(x, state)))
    equal(both_paths(layer, lambda: layer(x[:1], state)))
    # A state is a value: what it led to does not change it.
    assert all(torch.equal(state[name], kept[name]) for name in state)


def test_a_learned_beginning() -> None:
    case = Case(dtype=torch.float32, begin="given")
    layer = case.ours(learn_initial_state=True).eval()
    nn.init.normal_(layer.get_parameter("initial_h"))
    equal(both_paths(layer, lambda: layer(case.input())))
    equal(both_paths(layer, lambda: layer(case.input(), case.hx(layer))))


def test_states_of_which_only_a_view_is_there() -> None:
    case = Case(dtype=torch.float32, batch=6)
    layer, x = case.ours().eval(), case.input()[:, ::2]
    state = layer.initial_state(1)
    wide = State.with_axes({name: t.expand(-1, 3, -1) for name, t in state.items()}, state.axes)
    equal(both_paths(layer, lambda: layer(x, wide)))


@pytest.mark.parametrize("cell", CELLS)
def test_no_rows(cell: str) -> None:
    case = Case(cell=cell, dtype=torch.float32, batch=0, layers=2)
    layer, x = case.ours().eval(), case.input()
    equal(both_paths(layer, lambda: layer(x)))
    equal(both_paths(layer, lambda: layer.step(x[0], layer.initial_state(0))))


def test_more_scratch_than_stays_with_a_thread() -> None:
    case = Case(dtype=torch.float32, steps=5, batch=8, hidden_size=800, layers=3)
    layer, x = case.ours().eval(), case.input()
    equal(both_paths(layer, lambda: layer(x)))
    with torch.inference_mode(), elman.use_backend("reference"):
        expected = layer(x)[0]
    torch.testing.assert_close(layer(x)[0], expected, rtol=1e-4, atol=1e-5)


def test_threads_of_python_do_not_share_scratch() -> None:
    sizes = [(cell, hidden) for cell in CELLS for hidden in (5, 67, 128)]
    cases = [
        Case(cell, torch.float32, steps=9, batch=9, hidden_size=hidden) for cell, hidden in sizes
    ]
    work = [(case.ours().eval(), case.input()) for case in cases] * 4

    def run(pair: tuple[RecurrentStack, Tensor]) -> Tensor:
        with torch.inference_mode():
            return pair[0](pair[1])[0]  # type: ignore[no-any-return]

    expected = [run(pair) for pair in work]
    with ThreadPoolExecutor(4) as pool:
        for found, one in zip(pool.map(run, work), expected, strict=True):
            assert torch.equal(found, one)


def test_under_autocast_and_vmap() -> None:
    case = Case(dtype=torch.float32)
    layer, x = case.ours().eval(), case.input()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        equal(both_paths(layer, lambda: layer(x)))
    equal(both_paths(layer, lambda: torch.func.vmap(lambda one: layer(one)[0])(x[None])))


def test_a_watcher_sees_every_step() -> None:
    case = Case(dtype=torch.float32)
    layer, x = case.ours().eval(), case.input()
    seen: list[Any] = []
    with torch.inference_mode(), watched(layer, seen.append):
        layer(x)
        layer.step(x[0], layer.initial_state(case.batch))
    assert len(seen) == case.steps + 1


def _in_place(layer: nn.LSTM) -> None:
    with torch.no_grad():
        layer.weight_hh_l0.mul_(0.5)


def _replaced(layer: nn.LSTM) -> None:
    layer.weight_ih_l0 = nn.Parameter(2 * layer.weight_ih_l0.detach())


def _in_another_order(layer: nn.LSTM) -> None:
    weight = layer.weight_ih_l0
    del layer.weight_ih_l0
    layer.weight_ih_l0 = nn.Parameter(3 * weight.detach())


def _pruned(layer: nn.LSTM) -> None:
    prune.random_unstructured(layer, "weight_hh_l0", 0.5)


def _parametrized(layer: nn.LSTM) -> None:
    parametrizations.orthogonal(layer, "weight_ih_l0")


def _of_a_view(layer: nn.LSTM) -> None:
    layer.weight_hh_l0 = nn.Parameter(torch.randn(5, 20).T)


@pytest.mark.parametrize(
    "change", [_in_place, _replaced, _in_another_order, _pruned, _parametrized, _of_a_view]
)
def test_weights_are_those_of_now(change: Callable[[nn.LSTM], None]) -> None:
    case = Case(dtype=torch.float32)
    layer, x = case.ours().eval(), case.input()
    with torch.inference_mode():
        before = layer(x)[0]
    change(layer)  # type: ignore[arg-type]
    equal(both_paths(layer, lambda: layer(x)))
    with torch.inference_mode():
        assert not torch.equal(layer(x)[0], before)


def test_noise_is_drawn_in_training() -> None:
    case = Case(dtype=torch.float32, layers=2)
    for noise in ({"weight_dropout": 0.5}, {"recurrent_dropout": 0.5}, {"zoneout": 0.5}):
        layer, x = case.ours(**noise), case.input()
        with torch.inference_mode():
            assert not torch.equal(layer(x)[0], layer(x)[0])
            layer.eval()
            assert torch.equal(layer(x)[0], layer(x)[0])


WRONG: list[Callable[[RecurrentStack, Tensor, State], Any]] = [
    lambda layer, x, s: layer(x[..., :2], s),
    lambda layer, x, s: layer(x.double(), s),
    lambda layer, x, s: layer(x[:0], s),
    lambda layer, x, s: layer(x, s.select([0])),
    lambda layer, x, s: layer(x, (s["h"], s["c"][..., :3])),
    lambda layer, x, s: layer(x, s["h"]),
    lambda layer, x, s: layer(x, (s["h"], None)),
    lambda layer, x, s: layer(x, (s["h"], 1.0)),
    lambda layer, x, s: layer(x, State.with_axes({"h": s["h"]}, {"h": 1})),
    lambda layer, x, s: layer.step(x, s),
    lambda layer, x, s: layer.step(x[0, :, :2], s),
    lambda layer, x, s: layer.step(x[0, :2], s),
    lambda layer, x, s: layer.scan(x[0], s),
]


@pytest.mark.parametrize("wrong", WRONG)
def test_errors_are_those_of_the_slow_path(
    wrong: Callable[[RecurrentStack, Tensor, State], Any],
) -> None:
    case = Case(dtype=torch.float32)
    layer, x = case.ours().eval(), case.input()
    state = layer.initial_state(4)
    told = set()
    for path in ("fast", "slow"):
        if path == "slow":
            slow_path(layer)
        for mode in (torch.inference_mode, torch.enable_grad):
            with mode(), pytest.raises(Exception) as raised:
                wrong(layer, x, state)
            told.add((raised.type, str(raised.value)))
    assert len(told) == 1


@pytest.mark.parametrize("operator", ["_single", "_stack"])
def test_an_error_of_a_kernel_rises(operator: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: Any) -> Any:
        raise RuntimeError("the kernel broke")

    monkeypatch.setattr(fused_stack, operator, broken)
    case = Case(dtype=torch.float32, layers=1 if operator == "_single" else 2)
    layer, x = case.ours().eval(), case.input()
    with torch.inference_mode():
        for run in (
            lambda: layer(x),
            lambda: layer.step(x[0], layer.initial_state(4)),
            lambda: layer.scan(x, layer.initial_state(4)),
        ):
            with pytest.raises(RuntimeError, match="the kernel broke"):
                run()


def _used(monkeypatch: pytest.MonkeyPatch, run: Callable[[], Any]) -> str:
    """The path that `run` takes, by what it calls."""
    calls: list[str] = []

    def spy(owner: Any, name: str, path: str) -> None:
        original = getattr(owner, name)

        def spied(*given: Any, **options: Any) -> Any:
            calls.append(path)
            return original(*given, **options)

        monkeypatch.setattr(owner, name, spied)

    spy(fused_stack, "_single", "fused single")
    spy(fused_stack, "_stack", "fused stack")
    spy(native, "run", "layer by layer")
    spy(aten, "run", "ATen")
    spy(reference, "run", "plain loop")
    run()
    monkeypatch.undo()
    assert len(set(calls)) == 1
    return calls[0]


EXPLAINED: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    ("fused single", {}, {}),
    ("fused stack", {"layers": 2}, {}),
    ("fused stack", {"layers": 2, "memory": "batch_first"}, {}),
    ("fused stack", {"cell": "lstm-proj"}, {}),
    ("fused stack", {}, {"zoneout": 0.2}),
    ("layer by layer", {"bidirectional": True}, {}),
    ("layer by layer", {"lengths": "ragged"}, {}),
    ("layer by layer", {}, {"layer_norm": True}),
    ("layer by layer", {}, {"learn_initial_state": True}),
    ("ATen", {"dtype": torch.float64}, {}),
    ("plain loop", {"dtype": torch.float64}, {"layer_norm": True}),
]


@pytest.mark.parametrize(("path", "sizes", "options"), EXPLAINED)
def test_explain_names_the_path_that_runs(
    path: str, sizes: dict[str, Any], options: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    case = replace(Case(dtype=torch.float32), **sizes)
    layer, x, lengths = case.ours(**options).eval(), case.input(), case.row_lengths()
    with torch.inference_mode():
        choice = elman.explain(layer, x, lengths=lengths)
        assert choice.path.startswith(path)
        assert choice.path in str(choice)
        assert _used(monkeypatch, lambda: layer(x, lengths=lengths)) == path
        if not (case.bidirectional or lengths or case.dtype == torch.float64):
            x_t, state = torch.randn(4, 3), layer.initial_state(4)
            step = elman.explain(layer, x_t, state, step=True)
            found = _used(monkeypatch, lambda: layer.step(x_t, state))
            # A step always has a state, so it is fused where the initial state is learned, too.
            assert step.path.startswith(found)
            assert ("step" in step.path) == (found == "fused single")


def test_explain_with_gradients(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = Case(dtype=torch.float32).ours(), Case(dtype=torch.float32).input()
    assert elman.explain(layer, x).path == "fused stack"
    assert _used(monkeypatch, lambda: layer(x)) == "fused stack"
    layer = Case(dtype=torch.float32).ours(recompute=True)
    assert "recompute" in elman.explain(layer, x).reason
    assert _used(monkeypatch, lambda: layer(x)) == "layer by layer"
