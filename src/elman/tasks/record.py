"""What config.toml says beside the settings: with what, on what and of what a run was made."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from typing import Any

import torch

from elman.data.given import Given
from elman.data.recorded import recorded
from elman.kernels import native
from elman.machine import processor
from elman.training.config import TrainingConfig

_LIBRARIES = ("elman", "torch", "numpy", "safetensors", "tokenizers")


def circumstances(config: TrainingConfig, given: Given | None) -> dict[str, Any]:
    """Versions, hardware, threads, seed, and the hashes of the data, as TOML can hold them."""
    return {
        "versions": {
            "python": platform.python_version(),
            **{name: metadata.version(name) for name in _LIBRARIES},
        },
        "hardware": {
            "system": platform.platform(),
            "processor": processor(),
            "instruction_set": torch.backends.cpu.get_cpu_capability(),
            "kernels": native.instruction_set() or "none",
            "cores": os.cpu_count() or 0,
        },
        "training": {
            "threads": config.threads or torch.get_num_threads(),
            "seed": config.seed,
            "device": config.device,
        },
        "data": recorded(given),
    }
