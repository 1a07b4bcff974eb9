"""Flax: nnx.RNN around its cells, under jit.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import jax  # type: ignore[import-not-found]
import jax.numpy as jnp  # type: ignore[import-not-found]
import numpy as np
from flax import nnx  # type: ignore[import-not-found]

from benchmarks.speed.contract import Array, Contestant, Problem, float32
from benchmarks.speed.peers.jax_scan import fastest

CELLS = {"RNN": nnx.SimpleCell, "GRU": nnx.GRUCell, "LSTM": nnx.OptimizedLSTMCell}
"""Their gates stand in torch's order; each has one bias, the GRU's outside the reset."""


def build(problem: Problem, variant: str) -> Contestant:
    """Forward or a training step, with the unrolling that is fastest."""
    assert not variant
    problem.only(dtypes=("fp32",))
    cell = problem.cell
    module = CELLS[cell.kind](cell.inputs, cell.hidden, rngs=nnx.Rngs(0))
    ih, hh, bias_ih, bias_hh = problem.weights()
    biased = module.dense_h if cell.kind == "LSTM" else module.dense_i
    module.dense_i.kernel.value = jnp.asarray(np.ascontiguousarray(ih.T))
    module.dense_h.kernel.value = jnp.asarray(np.ascontiguousarray(hh.T))
    biased.bias.value = jnp.asarray(bias_ih + bias_hh)
    zero = jnp.zeros((cell.batch, cell.hidden))
    begin = (zero, zero) if cell.kind == "LSTM" else zero
    graph, weights = nnx.split(module)

    def forward(unroll: int) -> Callable[..., Any]:
        def run(weights: Any, x: Any) -> Any:
            layer = nnx.RNN(nnx.merge(graph, weights), time_major=True, unroll=unroll, rngs=False)
            return layer(x, initial_carry=begin)

        return run

    x = jnp.asarray(problem.arrays["x"])
    if cell.mode == "infer":
        call, note = fastest(forward, (weights, x))
        return Contestant(call, lambda: {"y": float32(call())}, note=note)

    def train(unroll: int) -> Callable[..., Any]:
        def run(weights: Any, x: Any, dy: Any) -> Any:
            y, backward = jax.vjp(forward(unroll), weights, x)
            return y, *backward(dy)

        return run

    call, note = fastest(train, (weights, x, jnp.asarray(problem.arrays["dy"])))

    def results() -> Mapping[str, Array]:
        y, gradients, dx = call()
        found = nnx.merge(graph, gradients)
        inner, outer = found.dense_i, found.dense_h
        bias = (outer if cell.kind == "LSTM" else inner).bias.value
        return {
            "y": float32(y),
            "x": float32(dx),
            "weight_ih_l0": float32(inner.kernel.value).T,
            "weight_hh_l0": float32(outer.kernel.value).T,
            "bias_ih_l0": float32(bias),
        }

    return Contestant(call, results, note=note)
