"""Trees as files: what goes in comes out, and what is no checkpoint is one line."""

import json
import math
import re
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from elman.errors import InputError
from elman.files import DiskFull
from elman.tensors import load_model, load_tree, save_model, save_tree

LEAVES = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8"), max_size=5)
    | st.sampled_from([torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.bool]).map(
        lambda dtype: torch.arange(6).reshape(2, 3).to(dtype)
    )
)
KEYS = st.text(st.characters(codec="utf-8"), max_size=4) | st.integers(-5, 5)
TREES = st.recursive(
    LEAVES,
    lambda tree: (
        st.lists(tree, max_size=4)
        | st.lists(tree, max_size=4).map(tuple)
        | st.dictionaries(KEYS, tree, max_size=4)
    ),
    max_leaves=12,
)


def assert_same(left: Any, right: Any) -> None:
    assert type(left) is type(right)
    if isinstance(left, torch.Tensor):
        assert left.dtype == right.dtype
        assert torch.equal(left, right)
    elif isinstance(left, dict):
        assert list(left) == list(right)
        assert [type(key) for key in left] == [type(key) for key in right]
        for key in left:
            assert_same(left[key], right[key])
    elif isinstance(left, list | tuple):
        assert len(left) == len(right)
        for a, b in zip(left, right, strict=True):
            assert_same(a, b)
    else:
        assert left == right


@given(TREES)
def test_round_trip(tmp_path_factory: pytest.TempPathFactory, tree: Any) -> None:
    path = tmp_path_factory.mktemp("tree") / "tree.safetensors"
    save_tree(path, tree)
    assert_same(load_tree(path), tree)


def test_odd_tensors_and_numbers(tmp_path: Path) -> None:
    base = torch.arange(12.0).reshape(3, 4)
    tree = {
        "transposed": base.T,
        "slice": base[1:],
        "expanded": torch.ones(1).expand(5),
        "scalar": torch.tensor(3.5),
        "empty": torch.empty(0, 3),
        "empty too": torch.empty(0, 2),
        "whole": base,
        "parameter": nn.Parameter(torch.ones(2)),
        "numbers": [math.inf, -math.inf, 0.1, -0.0],
        "a.b": torch.zeros(1),
        "a": {"b": torch.ones(1)},
    }
    save_tree(tmp_path / "t", tree)
    loaded = load_tree(tmp_path / "t")
    for name in ("transposed", "slice", "expanded", "scalar", "empty", "empty too", "whole", "a.b"):
        assert loaded[name].shape == tree[name].shape, name
        assert torch.equal(loaded[name], tree[name]), name
    assert torch.equal(loaded["parameter"], torch.ones(2))
    assert torch.equal(loaded["a"]["b"], torch.ones(1))
    assert loaded["numbers"] == tree["numbers"]
    assert math.copysign(1, loaded["numbers"][3]) == -1
    save_tree(tmp_path / "t", math.nan)
    assert math.isnan(load_tree(tmp_path / "t"))


def test_shared_tensors_are_stored_once_and_tied_again(tmp_path: Path) -> None:
    big = torch.randn(100, 100)
    save_tree(tmp_path / "t", {"first": big, "second": [big, big.detach()]})
    loaded = load_tree(tmp_path / "t")
    assert loaded["first"] is loaded["second"][0] is loaded["second"][1]
    assert (tmp_path / "t").stat().st_size < 1.1 * big.numel() * 4


def test_a_model_file_is_plain_safetensors_and_keeps_ties(tmp_path: Path) -> None:
    model = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    model[1].weight = model[0].weight
    save_model(tmp_path / "m", model)
    assert sorted(load_file(tmp_path / "m")) == ["0.weight", "1.bias"]
    other = nn.Sequential(nn.Embedding(5, 4), nn.Linear(4, 5))
    other[1].weight = other[0].weight
    load_model(tmp_path / "m", other)
    assert other[1].weight is other[0].weight
    for name, tensor in model.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)
    with pytest.raises(InputError, match="weights of another model") as caught:
        load_model(tmp_path / "m", nn.Linear(4, 5))
    assert "\n" not in str(caught.value)


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    save_tree(tmp_path / "t", {"x": torch.ones(3)})
    (tmp_path / "plain").touch()
    assert (tmp_path / "t").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_the_loaded_does_not_depend_on_the_file(tmp_path: Path) -> None:
    path = tmp_path / "t"
    save_tree(path, {"x": torch.ones(3)})
    loaded = load_tree(path)
    path.write_bytes(b"\0" * path.stat().st_size)
    assert torch.equal(loaded["x"], torch.ones(3))


@pytest.mark.parametrize(
    ("tree", "match"),
    [({"a": [object()]}, "a.0: cannot save a object"), ({(1, 2): 1}, "a key must be str or int")],
)
def test_what_cannot_be_saved(tmp_path: Path, tree: Any, match: str) -> None:
    with pytest.raises(TypeError, match=match):
        save_tree(tmp_path / "t", tree)
    assert list(tmp_path.iterdir()) == []


def bad_files(folder: Path) -> dict[str, Path]:
    good = folder / "good"
    save_tree(good, {"x": torch.ones(100), "y": [1]})
    whole = good.read_bytes()
    files = {
        "empty": b"",
        "header cut": whole[:20],
        "tensors cut": whole[:-50],
        "text": b"hello, this is no checkpoint\n" * 10,
        "pickle": b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94K\x01s.",
        "huge header": (2**62).to_bytes(8, "little") + b"{}",
    }
    paths = {}
    for name, content in files.items():
        paths[name] = folder / name
        paths[name].write_bytes(content)
    skeletons = {
        "deep": '{"list":[' * 20000 + "1" + "]}" * 20000,
        "unknown part": '{"call":["os.system","ls"]}',
        "two parts": '{"list":[],"tuple":[]}',
        "bare list": "[1,2]",
        "missing tensor": '{"tensor":"z"}',
        "odd tensor": '{"tensor":["x"]}',
        "odd dict": '{"dict":[1]}',
        "unhashable key": '{"dict":[[[1],2]]}',
        "not JSON": "{",
    }
    for name, skeleton in skeletons.items():
        paths[name] = folder / name
        save_file({"x": torch.ones(1)}, paths[name], {"elman.tree": skeleton})
    paths["foreign"] = folder / "foreign"
    save_file({"x": torch.ones(1)}, paths["foreign"], {"format": "pt"})
    paths["missing"] = folder / "missing"
    paths["folder"] = folder
    return paths


def test_bad_files(tmp_path: Path) -> None:
    for name, path in bad_files(tmp_path).items():
        with pytest.raises(InputError) as caught:
            load_tree(path)
        message = str(caught.value)
        assert message.startswith(f"{path}: "), name
        assert "\n" not in message, name


def test_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t"
    save_tree(path, {"x": torch.ones(3)})
    before = path.read_bytes()

    def full(_: Any, partial: Path, __: Any) -> None:
        partial.write_bytes(b"half")
        raise SafetensorError("Error while serializing: I/O error: No space left on device")

    monkeypatch.setattr("elman.tensors.save_file", full)
    with pytest.raises(DiskFull, match=r"the disk is full \(.* needs 12 bytes, .* free\)"):
        save_tree(path, {"x": torch.zeros(3)})
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_the_tree_is_readable_json(tmp_path: Path) -> None:
    """The format is a promise to files that exist: this is what it looks like."""
    save_tree(tmp_path / "t", {"a": (1, None), 2: torch.ones(1), "f": math.inf})
    size = int.from_bytes((tmp_path / "t").read_bytes()[:8], "little")
    header = json.loads((tmp_path / "t").read_bytes()[8 : 8 + size])
    seal, tree = json.loads(header["__metadata__"]["elman.tree"])
    assert re.fullmatch("sha256:[0-9a-f]{64}", seal)
    assert tree == {
        "dict": [["a", {"tuple": [1, None]}], [2, {"tensor": "2"}], ["f", {"float": "inf"}]]
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.view(torch.int32), "the tensor weight is of torch.int32, expected torch.flo"),
        (lambda w: w.double(), "the tensor weight is of torch.float64, expected torch.float32"),
        (lambda w: w.half(), "the tensor weight is of torch.float16, expected torch.float32"),
        (lambda w: w.T, r"weight has the shape \(4, 3\), expected \(3, 4\)"),
        (lambda w: w[None], r"weight has the shape \(1, 3, 4\), expected \(3, 4\)"),
        (lambda w: torch.full_like(w, math.nan), "the tensor weight holds NaN or infinity"),
        (lambda w: w.index_fill(0, torch.tensor([1]), math.inf), "the tensor weight holds NaN"),
        (lambda w: None, "weight is missing"),
        (lambda w: "a text", "weight is str, no tensor"),
    ],
)
def test_weights_that_are_none(tmp_path: Path, change: Any, message: str) -> None:
    """Each would load, or load with a conversion, as other weights; all are refused by name."""
    model, path = nn.Linear(4, 3), tmp_path / "m"
    weights = dict(model.state_dict())
    save_tree(path, {**weights, "weight": change(weights["weight"])})
    with pytest.raises(InputError, match=message) as caught:
        load_model(path, model)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)
    save_tree(path, {**weights, "more": weights["bias"]})
    with pytest.raises(InputError, match="more is too much"):
        load_model(path, model)
    save_tree(path, [1, 2])
    with pytest.raises(InputError, match="expected tensors, got list"):
        load_model(path, model)


def test_weights_that_are_no_longer_tied(tmp_path: Path) -> None:
    """Settings that were changed to tie two layers would leave the weights of one of them."""
    path, model = tmp_path / "m", nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    save_model(path, model)
    tied = nn.Sequential(nn.Linear(3, 3), nn.Linear(3, 3))
    tied[1].weight = tied[0].weight
    with pytest.raises(InputError, match=r"\(1.weight differs from 0.weight, tied to it\)"):
        load_model(path, tied)
    with torch.no_grad():
        model[1].weight.copy_(model[0].weight)
    save_model(path, model)
    load_model(path, tied)
    assert torch.equal(tied[1].weight, model[0].weight)


def test_each_byte_of_a_file_of_tensors_counts(tmp_path: Path) -> None:
    path = tmp_path / "t"
    save_tree(path, {"a": torch.arange(3.0), "step": 7})
    content = path.read_bytes()
    for place in range(len(content)):
        path.write_bytes(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])
        with pytest.raises(InputError, match="t: is damaged"):
            load_tree(path)
