"""A layer as an ONNX model, for those who run such models.

Legend: T time, B batch, I input, H hidden, G gates.
"""

from __future__ import annotations

import numpy as np

from benchmarks.speed.cells import GATES, Kind
from benchmarks.speed.contract import Array, Problem

# torch has i, f, g, o and r, z, n; ONNX has i, o, f, c and z, r, h, where c is g and h is n.
ORDER: dict[Kind, tuple[int, ...]] = {"RNN": (0,), "GRU": (1, 0, 2), "LSTM": (0, 3, 1, 2)}
"""The place in torch of each of ONNX's gates."""
OPSET = 17
IR_VERSION = 8


def reordered(kind: Kind, stacked: Array) -> Array:
    """A weight (G * H, …) of torch with its gates in the order of ONNX."""
    gates = np.split(stacked, GATES[kind])
    return np.concatenate([gates[place] for place in ORDER[kind]])


def weights(problem: Problem) -> dict[str, Array]:
    """The inputs W (1, G * H, I), R (1, G * H, H) and B (1, 2 * G * H) of the operator."""
    ih, hh, bias_ih, bias_hh = (
        reordered(problem.cell.kind, weight) for weight in problem.weights()
    )
    return {"W": ih[None], "R": hh[None], "B": np.concatenate([bias_ih, bias_hh])[None]}


def model(problem: Problem) -> bytes:
    """The serialized model: X (T, B, I), for a step also the memory, to Y and the new memory.

    The memory's inputs are called h and c, its outputs h_out and c_out; Y is (T, 1, B, H).
    """
    from onnx import (  # type: ignore[import-not-found]
        TensorProto,
        checker,
        helper,
        numpy_helper,
    )

    cell = problem.cell
    memory = cell.state_names if cell.mode == "step" else ()
    shape = (1, cell.batch, cell.hidden)

    def described(name: str, sizes: tuple[int, ...]) -> object:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, sizes)

    # torch's GRU resets what came out of the product; ONNX's default resets what goes in.
    extra = {"linear_before_reset": 1} if cell.kind == "GRU" else {}
    node = helper.make_node(
        cell.kind,
        ["X", "W", "R", "B", "", *memory] if memory else ["X", "W", "R", "B"],
        ["Y", *(f"{name}_out" for name in memory)],
        hidden_size=cell.hidden,
        **extra,
    )
    graph = helper.make_graph(
        [node],
        "layer",
        [
            described("X", (cell.steps, cell.batch, cell.inputs)),
            *(described(name, shape) for name in memory),
        ],
        [
            described("Y", (cell.steps, 1, cell.batch, cell.hidden)),
            *(described(f"{name}_out", shape) for name in memory),
        ],
        [numpy_helper.from_array(array, name) for name, array in weights(problem).items()],
    )
    whole = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    whole.ir_version = IR_VERSION
    checker.check_model(whole)
    return bytes(whole.SerializeToString())


def inputs(problem: Problem) -> dict[str, Array]:
    """What the model takes, by name."""
    memory = problem.cell.state_names if problem.cell.mode == "step" else ()
    return {"X": problem.arrays["x"]} | {name: problem.arrays[name] for name in memory}


def named(outputs: dict[str, Array]) -> dict[str, Array]:
    """What the model gave, in torch's names and shapes."""
    y = {"y": outputs["Y"][:, 0]}
    return y | {name.removesuffix("_out"): a for name, a in outputs.items() if name != "Y"}
