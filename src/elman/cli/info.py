"""`elman info`: what is installed here and what will run the recurrences."""

import os
import platform
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import get_args

# The modules that each optional extra brings.
EXTRAS: dict[str, tuple[str, ...]] = {
    "data": ("pooch",),
    "forecast": ("pandas", "pyarrow", "scipy", "utilsforecast"),
    "plot": ("matplotlib",),
    "probe": ("sklearn",),
    "speech": ("jiwer", "kaldi_native_fbank", "soundfile", "soxr"),
    "text": ("pandas", "pyarrow", "sacrebleu", "sklearn"),
    "track": ("tensorboard",),
    "video": ("av",),
}
LIBRARIES = ("elman", "torch", "numpy", "safetensors", "tokenizers", "pydantic", "cyclopts", "rich")


def info() -> None:
    """Versions, CPU, threads, backends and extras, as plain lines to paste into a report."""
    import torch

    from elman.kernels import native
    from elman.machine import processor

    cuda = [f"cuda:{number}" for number in range(torch.cuda.device_count())]
    rows = [("python", f"{platform.python_version()} on {platform.platform()}")]
    rows += [(name, _version(name)) for name in LIBRARIES]
    rows += [
        ("cpu", f"{processor()}, {os.cpu_count()} logical cores"),
        ("torch uses", torch.backends.cpu.get_cpu_capability()),
        ("kernels", native.instruction_set() or "none of our own"),
        ("threads", f"{torch.get_num_threads()} for torch; --threads or OMP_NUM_THREADS change it"),
        ("devices", ", ".join(["cpu", *cuda])),
    ]
    rows += [(f"backend {name}", text) for name, text in _backends()]
    rows += [(f"extra {name}", _extra(name)) for name in EXTRAS]
    width = max(len(name) for name, _ in rows)
    for name, text in rows:
        print(f"{name:<{width}}  {text}")


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed" if name != "elman" else "run from its sources"


def _backends() -> Iterator[tuple[str, str]]:
    """Each backend and whether it can run an LSTM of default options in float32."""
    import torch

    from elman.kernels.choose import Backend, use_backend
    from elman.layers.lstm import LSTM

    layer, x = LSTM(4, 4), torch.zeros(1, 1, 4)
    for name in get_args(Backend):
        try:
            with use_backend(name), torch.inference_mode():
                layer(x)
        except RuntimeError as error:
            yield name, str(error).rpartition(": ")[2]
        else:
            yield name, "available"


def _extra(name: str) -> str:
    missing = [module for module in EXTRAS[name] if find_spec(module) is None]
    return f'missing; pip install "elman[{name}]"' if missing else "installed"
