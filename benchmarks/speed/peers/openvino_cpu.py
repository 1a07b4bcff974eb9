"""OpenVINO on the CPU, inputs in memory that it shares."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import openvino  # type: ignore[import-not-found]

from benchmarks.speed import onnx_model
from benchmarks.speed.contract import Array, Contestant, Problem

PRECISION = {"fp32": "f32", "bf16": "bf16"}


def build(problem: Problem, variant: str) -> Contestant:
    """Forward or a single step, from the ONNX model."""
    assert not variant
    problem.only(dtypes=("fp32", "bf16"))
    core = openvino.Core()
    model = core.read_model(onnx_model.model(problem))
    compiled = core.compile_model(
        model,
        "CPU",
        {
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": "1",
            "INFERENCE_NUM_THREADS": str(problem.threads),
            "INFERENCE_PRECISION_HINT": PRECISION[problem.dtype],
        },
    )
    request = compiled.create_infer_request()
    for name, array in onnx_model.inputs(problem).items():
        shared = openvino.Tensor(np.ascontiguousarray(array), shared_memory=True)
        request.set_tensor(name, shared)

    def call() -> None:
        request.infer(share_outputs=True)

    def results() -> Mapping[str, Array]:
        call()
        names = [output.get_any_name() for output in compiled.outputs]
        return onnx_model.named({name: request.get_tensor(name).data.copy() for name in names})

    return Contestant(call, results)
