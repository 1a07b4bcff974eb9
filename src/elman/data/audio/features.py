"""Features that were computed elsewhere, a file a row: `.npy` or `.safetensors`, frames x bins.

Legend: T frames, F bins.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from elman.bounds import check_regular
from elman.data.arrays import open_array
from elman.errors import InputError

Frames: TypeAlias = npt.NDArray[np.float32]

FEATURE_SUFFIXES = (".npy", ".safetensors")

_REMEDY = "give an array of frames x bins, saved with numpy.save"


@dataclass(frozen=True)
class FeatureFile:
    """A file of features (T, F); safetensors hold one array."""

    path: Path


def bins_of(source: FeatureFile | np.ndarray, where: str = "data") -> int:
    """F, as the header of a file says.

    Raises:
        InputError: as `read_frames`, but for the numbers themselves.
    """
    if isinstance(source, FeatureFile) and source.path.suffix.lower() == ".safetensors":
        return int(_of_safetensors(source.path, first=True).shape[1])
    return int(_opened(source, where)[0].shape[1])


def read_frames(source: FeatureFile | np.ndarray, where: str = "data") -> Frames:
    """(T, F) float32, finite.

    Raises:
        InputError: not a file of numbers in two axes, or one of them isn't finite; `where` names
            an array in memory.
    """
    array, where = _opened(source, where)
    with np.errstate(over="ignore"):
        frames: Frames = np.asarray(array, dtype=np.float32)
    if not np.isfinite(frames).all():
        raise InputError(f"{where}: holds a number that is not finite; compute the features again")
    return frames


def _opened(source: FeatureFile | np.ndarray, where: str) -> tuple[np.ndarray, str]:
    """An array of numbers (T, F), and what it is called."""
    if not isinstance(source, FeatureFile):
        return _checked(np.asarray(source), where), where
    path = source.path
    if path.suffix.lower() == ".safetensors":
        return _of_safetensors(path), str(path)
    return _checked(open_array(path, "features", _REMEDY), str(path)), str(path)


def _checked(array: np.ndarray, where: str) -> np.ndarray:
    if array.ndim != 2 or array.dtype.kind not in "iuf":
        raise InputError(
            f"{where}: expected numbers in two axes, frames x bins, got {array.dtype} of shape"
            f" {array.shape}; {_REMEDY}"
        )
    if not array.size:
        raise InputError(f"{where}: holds no frames; leave it out, or compute them again")
    return array


def _of_safetensors(path: Path, *, first: bool = False) -> np.ndarray:
    """The one array of a file, or its first frame."""
    from safetensors import SafetensorError, safe_open

    check_regular(path)
    try:
        with safe_open(path, framework="np") as file:
            names = list(file.keys())
            if len(names) != 1:
                raise InputError(
                    f"{path}: holds {len(names)} arrays, expected one of frames x bins; save each"
                    " row to a file of its own"
                )
            if first and len(file.get_slice(names[0]).get_shape()) == 2:
                return _checked(file.get_slice(names[0])[:1], str(path))
            return _checked(file.get_tensor(names[0]), str(path))
    except (SafetensorError, OSError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise InputError(f"{path}: can't be read as features ({reason}); {_REMEDY}") from error
