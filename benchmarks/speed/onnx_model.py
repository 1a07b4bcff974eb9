"""A layer as an ONNX model, for the peers that run such models.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

import numpy as np

from benchmarks.speed.contract import Array, Problem
from elman.layers import gate_order

OPSET = 17
IR_VERSION = 8


def weights(problem: Problem) -> dict[str, Array]:
    """The inputs W (1, G * H, I), R (1, G * H, H) and B (1, 2 * G * H) of the operator."""
    rows = gate_order.to_onnx(problem.cell.kind, problem.cell.hidden)
    ih, hh, bias_ih, bias_hh = (weight[rows] for weight in problem.weights())
    return {"W": ih[None], "R": hh[None], "B": np.concatenate([bias_ih, bias_hh])[None]}


def model(problem: Problem) -> bytes:
    """The serialized model: X (T, B, I), for a step also the state, to Y and the new state.

    The state's inputs are called h and c, its outputs h_out and c_out; Y is (T, 1, B, H).
    """
    from onnx import (  # type: ignore[import-not-found]
        TensorProto,
        checker,
        helper,
        numpy_helper,
    )

    cell = problem.cell
    state = cell.state_names if cell.mode == "step" else ()
    shape = (1, cell.batch, cell.hidden)

    def described(name: str, sizes: tuple[int, ...]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    node = helper.make_node(
        cell.kind,
        ["X", "W", "R", "B", "", *state] if state else ["X", "W", "R", "B"],
        ["Y", *(f"{name}_out" for name in state)],
        hidden_size=cell.hidden,
        **gate_order.ATTRIBUTES[cell.kind],
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [
            described("X", (cell.steps, cell.batch, cell.inputs)),
            *(described(name, shape) for name in state),
        ],
        [
            described("Y", (cell.steps, 1, cell.batch, cell.hidden)),
            *(described(f"{name}_out", shape) for name in state),
        ],
        [numpy_helper.from_array(array, name) for name, array in weights(problem).items()],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    made.ir_version = IR_VERSION
    checker.check_model(made)
    return bytes(made.SerializeToString())


def inputs(problem: Problem) -> dict[str, Array]:
    """The inputs of the model, by name."""
    state = problem.cell.state_names if problem.cell.mode == "step" else ()
    return {"X": problem.arrays["x"]} | {name: problem.arrays[name] for name in state}


def named(outputs: dict[str, Array]) -> dict[str, Array]:
    """The outputs of the model, in torch's names and shapes."""
    y = {"y": outputs["Y"][:, 0]}
    return y | {name.removesuffix("_out"): a for name, a in outputs.items() if name != "Y"}
