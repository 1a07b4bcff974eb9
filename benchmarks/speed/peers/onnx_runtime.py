"""ONNX Runtime with inputs and outputs bound to memory once."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import onnxruntime  # type: ignore[import-not-found]

from benchmarks.speed import onnx_model
from benchmarks.speed.contract import Array, Contestant, Problem


def build(problem: Problem, variant: str) -> Contestant:
    """Forward or a single step."""
    assert not variant
    problem.only(dtypes=("fp32",))
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = problem.threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        onnx_model.model(problem), options, providers=["CPUExecutionProvider"]
    )
    binding = session.io_binding()
    outputs = {}
    kept = []  # a binding does not keep what is bound to it alive
    for name, array in onnx_model.inputs(problem).items():
        value = onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(array))
        binding.bind_ortvalue_input(name, value)
        kept.append(value)
    for output in session.get_outputs():
        shape = [int(size) for size in output.shape]
        value = onnxruntime.OrtValue.ortvalue_from_shape_and_type(shape, np.float32)
        binding.bind_ortvalue_output(output.name, value)
        outputs[output.name] = value

    def call() -> None:
        session.run_with_iobinding(binding)

    def results() -> Mapping[str, Array]:
        call()
        assert kept
        return onnx_model.named({name: value.numpy() for name, value in outputs.items()})

    return Contestant(call, results)
