"""NumPy: the loop that anyone would write, the input product taken out of it.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from benchmarks.speed.contract import Array, Contestant, Problem


def build(problem: Problem, variant: str) -> Contestant:
    """Forward or a single step; the threads are OpenBLAS's, from the environment."""
    assert not variant
    problem.only(dtypes=("fp32",))
    ih, hh, bias_ih, bias_hh = problem.weights()
    x, hidden = problem.arrays["x"], problem.cell.hidden
    u_weight, v_weight = (np.ascontiguousarray(weight.T) for weight in (ih, hh))
    step = STEPS[problem.cell.kind]
    if problem.cell.mode == "step":
        begin = problem.states
    else:
        zero = np.zeros((problem.cell.batch, hidden), np.float32)
        begin = (zero,) * len(problem.cell.state_names)

    def run() -> tuple[Array, tuple[Array, ...]]:
        u = x @ u_weight + bias_ih
        y = np.empty((len(x), len(begin[0]), hidden), np.float32)
        states = begin
        for t in range(len(x)):
            states = step(u[t], states[0] @ v_weight + bias_hh, states)
            y[t] = states[0]
        return y, states

    def results() -> Mapping[str, Array]:
        y, states = run()
        if problem.cell.mode == "infer":
            return {"y": y}
        named = zip(problem.cell.state_names, states, strict=True)
        return {"y": y} | {name: state[None] for name, state in named}

    return Contestant(run, results)


def _sigmoid(a: Array) -> Array:
    return 0.5 * np.tanh(0.5 * a) + np.float32(0.5)  # half the passes of 1 / (1 + exp(-a))


def _rnn(u: Array, v: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    return (np.tanh(u + v),)


def _gru(u: Array, v: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    (h,) = states
    size = h.shape[-1]
    gates = _sigmoid(u[:, : 2 * size] + v[:, : 2 * size])
    r, z = gates[:, :size], gates[:, size:]
    n = np.tanh(u[:, 2 * size :] + r * v[:, 2 * size :])
    return (n + z * (h - n),)


def _lstm(u: Array, v: Array, states: tuple[Array, ...]) -> tuple[Array, ...]:
    c = states[1]
    size = c.shape[-1]
    a = u + v
    i_f = _sigmoid(a[:, : 2 * size])
    c = i_f[:, size:] * c + i_f[:, :size] * np.tanh(a[:, 2 * size : 3 * size])
    return _sigmoid(a[:, 3 * size :]) * np.tanh(c), c


STEPS: Mapping[str, Callable[[Array, Array, tuple[Array, ...]], tuple[Array, ...]]] = {
    "RNN": _rnn,
    "GRU": _gru,
    "LSTM": _lstm,
}
