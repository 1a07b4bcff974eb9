"""Features that were computed elsewhere, a file a row: `.npy` or `.safetensors`, frames x bins.

Legend: T frames, F bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from elman.data.arrays import open_array
from elman.errors import InputError

Frames: TypeAlias = npt.NDArray[np.float32]

FEATURE_SUFFIXES = (".npy", ".safetensors")

_REMEDY = "give an array of frames x bins, saved with numpy.save"


@dataclass(frozen=True)
class FeatureFile:
    """A file of features (T, F); safetensors hold one array."""

    path: Path


def read_frames(source: FeatureFile | np.ndarray, where: str = "data") -> Frames:
    """(T, F) float32, finite.

    Raises:
        InputError: not a file of numbers in two axes, or one of them isn't finite; `where` names
            an array in memory.
    """
    if isinstance(source, FeatureFile):
        where = str(source.path)
        found = _of_safetensors(source.path) if source.path.suffix == ".safetensors" else None
        array = open_array(source.path, "features", _REMEDY) if found is None else found
    else:
        array = source
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise InputError(
            f"{where}: expected numbers in two axes, frames x bins, got {array.dtype} of shape"
            f" {array.shape}; {_REMEDY}"
        )
    if not len(array) or not array.shape[1]:
        raise InputError(f"{where}: holds no frames; leave it out, or compute them again")
    with np.errstate(over="ignore"):
        frames: Frames = np.asarray(array, dtype=np.float32)
    if not np.isfinite(frames).all():
        raise InputError(f"{where}: holds a number that is not finite; compute the features again")
    return frames


def _of_safetensors(path: Path) -> np.ndarray:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            if len(names) != 1:
                raise InputError(
                    f"{path}: holds {len(names)} arrays, expected one of frames x bins; save each"
                    " row to a file of its own"
                )
            array: np.ndarray = file.get_tensor(names[0])
            return array
    except (SafetensorError, OSError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: can't be read as features ({reason}); {_REMEDY}") from error
