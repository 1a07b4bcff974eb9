"""Keras on TensorFlow: its layers under tf.function, batch first as they want it.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import keras  # type: ignore[import-not-found]
import numpy as np
import tensorflow as tf  # type: ignore[import-untyped]

from benchmarks.speed.cells import GATES, Kind
from benchmarks.speed.contract import Array, Contestant, Problem, float32

LAYERS = {"RNN": keras.layers.SimpleRNN, "GRU": keras.layers.GRU, "LSTM": keras.layers.LSTM}
# torch has r, z, n and Keras z, r, h; an LSTM's gates stand in the same order in both.
ORDER: dict[Kind, tuple[int, ...]] = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 1, 2, 3)}
"""The place in torch of each of Keras's gates; it is its own inverse."""


def build(problem: Problem, variant: str) -> Contestant:
    """Forward, a training step or a single step."""
    assert not variant
    problem.only(dtypes=("fp32",))
    tf.config.threading.set_intra_op_parallelism_threads(problem.threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    cell = problem.cell
    options = {"reset_after": True} if cell.kind == "GRU" else {}
    layer = LAYERS[cell.kind](
        cell.hidden, return_sequences=True, return_state=cell.mode == "step", **options
    )
    x = tf.constant(problem.arrays["x"].swapaxes(0, 1))
    layer.build(x.shape)
    layer.set_weights(_weights(problem))
    if cell.mode == "step":
        return _stepped(problem, layer, x)
    if cell.mode == "infer":
        forward = tf.function(lambda: layer(x, training=False))
        return Contestant(forward, lambda: {"y": float32(forward()).swapaxes(0, 1)})
    return _trained(problem, layer, x)


def _reordered(kind: Kind, stacked: Array) -> Array:
    gates = np.split(stacked, GATES[kind])
    return np.concatenate([gates[place] for place in ORDER[kind]])


def _weights(problem: Problem) -> list[Array]:
    """The kernels with the input axis first; two biases for a GRU, their sum for the others."""
    kind = problem.cell.kind
    ih, hh, bias_ih, bias_hh = (_reordered(kind, weight) for weight in problem.weights())
    bias = np.stack([bias_ih, bias_hh]) if kind == "GRU" else bias_ih + bias_hh
    return [ih.T, hh.T, bias]


def _stepped(problem: Problem, layer: Any, x: Any) -> Contestant:
    memory = [tf.constant(state) for state in problem.states]
    step = tf.function(lambda: layer(x, initial_state=memory, training=False))

    def results() -> Mapping[str, Array]:
        y, *states = step()
        named = dict(zip(problem.cell.state_names, states, strict=True))
        found = {name: float32(state)[None] for name, state in named.items()}
        return {"y": float32(y).swapaxes(0, 1)} | found

    return Contestant(step, results)


def _trained(problem: Problem, layer: Any, x: Any) -> Contestant:
    dy = tf.constant(problem.arrays["dy"].swapaxes(0, 1))
    kind = problem.cell.kind

    def step() -> Any:
        with tf.GradientTape() as tape:
            tape.watch(x)
            y = layer(x, training=True)
        weights = [weight.value for weight in layer.trainable_weights]
        return y, tape.gradient(y, [x, *weights], dy)

    compiled: Callable[[], Any] = tf.function(step)

    def results() -> Mapping[str, Array]:
        y, (dx, d_ih, d_hh, d_bias) = compiled()
        biases = float32(d_bias).reshape(-1, d_ih.shape[1])
        found = {"weight_ih_l0": float32(d_ih).T, "weight_hh_l0": float32(d_hh).T}
        found |= dict(zip(("bias_ih_l0", "bias_hh_l0"), biases, strict=False))
        arrays = {name: _reordered(kind, array) for name, array in found.items()}
        return {"y": float32(y).swapaxes(0, 1), "x": float32(dx).swapaxes(0, 1), **arrays}

    return Contestant(compiled, results)
