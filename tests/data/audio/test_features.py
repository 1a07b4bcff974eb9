"""Features that were computed elsewhere: files of frames x bins, and what is none."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file

from elman.data.audio.dataset import read_more
from elman.data.audio.features import FeatureFile, read_frames
from elman.data.audio.rows import AudioColumns
from elman.data.tables.table import BadRows
from elman.errors import InputError


@pytest.mark.parametrize("suffix", [".npy", ".safetensors"])
def test_features_are_rows_too(tmp_path: Path, suffix: str) -> None:
    frames = [np.random.default_rng(n).standard_normal((5 + n, 3)).astype("f") for n in range(3)]
    for n, each in enumerate(frames):
        path = tmp_path / f"{n}{suffix}"
        np.save(path, each) if suffix == ".npy" else save_file({"x": each}, path)
        (tmp_path / f"{n}.txt").write_text(f"word {n}")
    found = read_more(tmp_path, AudioColumns(), BadRows())
    assert found.has_features
    for source, each in zip(found.audio, frames, strict=True):
        assert isinstance(source, FeatureFile)
        assert np.array_equal(read_frames(source), each)
    wide = np.ones((4, 4), np.float32)
    path = tmp_path / f"9{suffix}"
    np.save(path, wide) if suffix == ".npy" else save_file({"x": wide}, path)
    (tmp_path / "9.txt").write_text("nine")
    with pytest.raises(InputError, match=rf"9{suffix}: has 4 bins, expected 3 as above"):
        read_more(tmp_path, AudioColumns(), BadRows())


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((4, 3, 2)), "two axes"),
        (np.zeros(4), "two axes"),
        (np.array([["a"]]), "two axes"),
        (np.zeros((0, 3)), "no frames"),
        (np.full((2, 3), np.nan), "not finite"),
        (np.full((2, 3), 1e300), "not finite"),
    ],
)
def test_what_is_no_array_of_features(tmp_path: Path, array: np.ndarray, said: str) -> None:
    np.save(tmp_path / "a.npy", array)
    with pytest.raises(InputError, match=rf"a\.npy: .*{said}"):
        read_frames(FeatureFile(tmp_path / "a.npy"))
    with pytest.raises(InputError, match=rf"data: .*{said}"):
        read_frames(array)


def test_files_of_features_that_are_damaged(tmp_path: Path) -> None:
    for name in ("a.npy", "a.safetensors"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(InputError, match=rf"{name}: can.*be read as features"):
            read_frames(FeatureFile(tmp_path / name))
    save_file({"x": np.ones((1, 1)), "y": np.ones((1, 1))}, tmp_path / "two.safetensors")
    with pytest.raises(InputError, match="holds 2 arrays, expected one"):
        read_frames(FeatureFile(tmp_path / "two.safetensors"))
