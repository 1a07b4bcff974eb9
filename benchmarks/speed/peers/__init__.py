"""Who is measured: THE table of peers, one module each that makes a `Contestant`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchmarks.speed.cells import MODES, Cell, Dtype, Mode

OURS = "elman"
TORCH = "torch"


@dataclass(frozen=True)
class Peer:
    """A system, or a way of using it.

    Attributes:
        module: in this package; its `build(problem, variant)` makes a `Contestant`.
        variant: which of the module's ways.
        own: the name of its requirements file and of its environment; "": the project's own.
        modes: what it is measured at.
        dtypes: the precisions it is measured in.
        packages: whose versions are reported.
        pinned: with one thread the process is bound to one core, since the system takes the
            size of its thread pool from the cores it sees.
        environment: variables to set.
    """

    module: str
    variant: str = ""
    own: str = ""
    modes: tuple[Mode, ...] = MODES
    dtypes: tuple[Dtype, ...] = ("fp32",)
    packages: tuple[str, ...] = ()
    pinned: bool = False
    environment: Mapping[str, str] = field(default_factory=dict)

    def takes(self, cell: Cell, dtype: Dtype) -> bool:
        """Whether it has a place in the table of such a cell."""
        return cell.mode in self.modes and dtype in self.dtypes


RUNS: tuple[Mode, ...] = ("infer", "step")
BOTH: tuple[Dtype, ...] = ("fp32", "bf16")
# One thread compiles: the pool that would do it otherwise stays behind and is not always still.
COMPILED = {"TORCHINDUCTOR_COMPILE_THREADS": "1"}
SYNCHRONOUS = {"JAX_CPU_ENABLE_ASYNC_DISPATCH": "false"}
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "2", "KERAS_BACKEND": "tensorflow"}

PEERS: Mapping[str, Peer] = {
    OURS: Peer("ours", dtypes=BOTH, packages=("elman", "torch")),
    "elman-forward": Peer("ours", "forward", modes=("step",), packages=("elman", "torch")),
    TORCH: Peer("torch_nn", dtypes=BOTH, packages=("torch",)),
    "torch-cell": Peer("torch_nn", "cell", modes=("step",), packages=("torch",)),
    "torch-compiled": Peer("torch_nn", "compiled", packages=("torch",), environment=COMPILED),
    "onnxruntime": Peer("onnx_runtime", own="onnxruntime", modes=RUNS, packages=("onnxruntime",)),
    "openvino": Peer(
        "openvino_cpu", own="openvino", modes=RUNS, dtypes=BOTH, packages=("openvino",)
    ),
    "jax": Peer("jax_scan", own="jax", packages=("jax",), pinned=True),
    "jax-sync": Peer(
        "jax_scan", own="jax", packages=("jax",), pinned=True, environment=SYNCHRONOUS
    ),
    "flax": Peer("flax_nnx", own="jax", modes=("train", "infer"), packages=("flax",), pinned=True),
    "keras": Peer("keras_tf", own="keras", packages=("keras", "tensorflow-cpu"), environment=QUIET),
    "numpy": Peer("numpy_loop", modes=RUNS, packages=("numpy",)),
}
"""Name -> peer; the order is that of the rounds and of the columns."""
