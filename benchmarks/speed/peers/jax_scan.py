"""JAX: lax.scan over the steps under jit, the input product taken out of it.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from time import perf_counter
from typing import Any

import jax  # type: ignore[import-not-found]
import jax.numpy as jnp  # type: ignore[import-not-found]
import numpy as np

from benchmarks.speed.contract import Array, Contestant, Problem, float32

UNROLLED = (1, 4, 16)
"""How many steps a turn of the loop takes; the fastest is chosen when a cell is built."""
TRIALS = 3


def build(problem: Problem, variant: str) -> Contestant:
    """Forward, a training step or a single step."""
    assert not variant
    problem.only(layers=2, dtypes=("fp32",))
    cell = problem.cell
    x = jnp.asarray(problem.arrays["x"])
    parameters = [_parameters(problem, layer) for layer in range(cell.layers)]
    if cell.mode == "step":
        memory = tuple(map(jnp.asarray, problem.states))
        return _stepped(problem, jax.jit(partial(_step, cell.kind)), (parameters[0], x[0], memory))
    if cell.mode == "infer":
        call, note = fastest(partial(partial, _forward, cell.kind), (parameters, x))
        return Contestant(call, lambda: {"y": float32(call())}, note=note)
    arguments = (parameters, x, jnp.asarray(problem.arrays["dy"]))
    call, note = fastest(partial(partial, _train, cell.kind), arguments)
    return Contestant(call, lambda: _gradients(*call()), note=note)


def _parameters(problem: Problem, layer: int) -> dict[str, Any]:
    """The weights as a JAX program has them: the input axis first."""
    ih, hh, bias_ih, bias_hh = problem.weights(layer)
    names = {"ih": ih.T, "hh": hh.T, "bias_ih": bias_ih, "bias_hh": bias_hh}
    return {name: jnp.asarray(np.ascontiguousarray(array)) for name, array in names.items()}


def _gradients(y: Any, parameters: list[dict[str, Any]], x: Any) -> Mapping[str, Array]:
    found = {"y": float32(y), "x": float32(x)}
    for layer, weights in enumerate(parameters):
        for name, gradient in weights.items():
            torch_name = name if name.startswith("bias") else f"weight_{name}"
            found[f"{torch_name}_l{layer}"] = float32(gradient).T
    return found


def _stepped(
    problem: Problem, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> Contestant:
    def call() -> Any:
        return jax.block_until_ready(function(*arguments))

    def results() -> Mapping[str, Array]:
        states = call()
        named = dict(zip(problem.cell.state_names, states, strict=True))
        return {name: float32(state)[None] for name, state in {"y": states[0], **named}.items()}

    return Contestant(call, results)


def fastest(
    function: Callable[[int], Callable[..., Any]], arguments: tuple[Any, ...]
) -> tuple[Callable[[], Any], str]:
    """A call of `function(unroll)`, compiled, with the unrolling that is fastest here."""
    best: tuple[float, int, Callable[..., Any]] | None = None
    for unroll in UNROLLED:
        jitted = jax.jit(function(unroll))
        jax.block_until_ready(jitted(*arguments))
        times = []
        for _ in range(TRIALS):
            began = perf_counter()
            jax.block_until_ready(jitted(*arguments))
            times.append(perf_counter() - began)
        if best is None or min(times) < best[0]:
            best = min(times), unroll, jitted
    assert best is not None
    _, unroll, chosen = best
    return lambda: jax.block_until_ready(chosen(*arguments)), f"unroll={unroll}"


def _forward(kind: str, unroll: int, parameters: list[dict[str, Any]], x: Any) -> Any:
    for weights in parameters:
        u = x @ weights["ih"] + weights["bias_ih"]
        zero = jnp.zeros((x.shape[1], weights["hh"].shape[0]), x.dtype)

        def turn(
            states: tuple[Any, ...], u_t: Any, weights: dict[str, Any] = weights
        ) -> tuple[tuple[Any, ...], Any]:
            states = POINTWISE[kind](u_t, states[0] @ weights["hh"] + weights["bias_hh"], states)
            return states, states[0]

        begin = (zero, zero) if kind == "LSTM" else (zero,)
        _, x = jax.lax.scan(turn, begin, u, unroll=unroll)
    return x


def _train(kind: str, unroll: int, parameters: list[dict[str, Any]], x: Any, dy: Any) -> Any:
    """y, and the gradients of sum(y * dy) by the weights and by x."""
    y, backward = jax.vjp(lambda *leaves: _forward(kind, unroll, *leaves), parameters, x)
    return y, *backward(dy)


def _step(kind: str, weights: dict[str, Any], x: Any, states: tuple[Any, ...]) -> Any:
    u = x @ weights["ih"] + weights["bias_ih"]
    return POINTWISE[kind](u, states[0] @ weights["hh"] + weights["bias_hh"], states)


def _rnn(u: Any, v: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
    return (jnp.tanh(u + v),)


def _gru(u: Any, v: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
    (h,) = states
    u_r, u_z, u_n = jnp.split(u, 3, axis=-1)
    v_r, v_z, v_n = jnp.split(v, 3, axis=-1)
    r, z = jax.nn.sigmoid(u_r + v_r), jax.nn.sigmoid(u_z + v_z)
    n = jnp.tanh(u_n + r * v_n)
    return ((1 - z) * n + z * h,)


def _lstm(u: Any, v: Any, states: tuple[Any, ...]) -> tuple[Any, ...]:
    i, f, g, o = jnp.split(u + v, 4, axis=-1)
    c = jax.nn.sigmoid(f) * states[1] + jax.nn.sigmoid(i) * jnp.tanh(g)
    return jax.nn.sigmoid(o) * jnp.tanh(c), c


POINTWISE: Mapping[str, Callable[..., tuple[Any, ...]]] = {
    "RNN": _rnn,
    "GRU": _gru,
    "LSTM": _lstm,
}
