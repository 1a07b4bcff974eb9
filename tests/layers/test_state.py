"""The state as a value: its algebra, its forms, its files."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest
import safetensors.torch
import torch
from torch.utils import _pytree as pytree

import elman
from elman import InputError, State


def state(batch: int = 3) -> State:
    h = torch.arange(2.0 * batch * 4).view(2, batch, 4)
    return State.with_axes({"h": h, "n": torch.arange(batch)}, {"h": 1, "n": 0})


def test_to_and_from_torchs_form() -> None:
    lstm = elman.LSTM(3, 5, num_layers=2)
    hx = (torch.randn(2, 4, 5), torch.randn(2, 4, 5))
    there = State.of(lstm, hx)
    back = there.hx()
    assert isinstance(back, tuple)
    assert all(a is b for a, b in zip(back, hx, strict=True))
    assert State.of(elman.GRU(3, 5), torch.randn(1, 5)).batch_size == 1  # unbatched
    with pytest.raises(ValueError, match="hidden state of 2"):
        State.of(lstm, hx[0])
    with pytest.raises(ValueError, match="no form"):
        state().hx()


def test_rows() -> None:
    whole = state()
    assert whole.batch_size == 3
    assert whole.select([2, 2, 0])["n"].tolist() == [2, 2, 0]
    assert torch.equal(State.stack(whole.split())["h"], whole["h"])
    assert whole.split()[1]["h"].shape == (2, 1, 4)


def test_reset_by_row() -> None:
    fresh = State.with_axes(
        {"h": torch.full((2, 3, 4), -1.0), "n": torch.full((3,), 7)}, {"h": 1, "n": 0}
    )
    mask = torch.tensor([False, True, False])
    after = state().reset(mask, to=fresh)
    assert (after["h"][:, 1] == -1).all()
    assert torch.equal(after["h"][:, ::2], state()["h"][:, ::2])
    assert after["n"].tolist() == [0, 7, 2]
    assert state().reset(mask)["n"].tolist() == [0, 0, 2]
    with pytest.raises(ValueError, match="mask"):
        state().reset(torch.tensor([True]))


def test_a_reset_row_forgets_even_nan() -> None:
    sick = State(h=torch.tensor([[float("nan")], [1.0]], requires_grad=True))
    well = sick.reset(torch.tensor([True, False]))
    assert well["h"].tolist() == [[0.0], [1.0]]


def test_parts() -> None:
    both = State.join({"encoder": state(), "decoder": State(h=torch.zeros(3, 1))})
    assert list(both) == ["encoder.h", "encoder.n", "decoder.h"]
    assert torch.equal(both.part("encoder")["h"], state()["h"])
    with pytest.raises(KeyError):
        both.part("enc")


def test_detach_clone_and_to() -> None:
    leaf = torch.ones(2, 1, requires_grad=True)
    value = State(h=leaf * 2, n=torch.ones(2, dtype=torch.long))
    assert value["h"].requires_grad
    assert not value.detach()["h"].requires_grad
    assert value.clone()["h"].data_ptr() != value["h"].data_ptr()
    lower = value.to(torch.bfloat16)
    assert (lower["h"].dtype, lower["n"].dtype) == (torch.bfloat16, torch.long)
    assert value.to("cpu")["h"].device.type == "cpu"


def test_what_is_no_state() -> None:
    with pytest.raises(ValueError, match="at least one"):
        State()
    with pytest.raises(ValueError, match="one batch size"):
        State(h=torch.zeros(2, 1), c=torch.zeros(3, 1))
    with pytest.raises(ValueError, match="no batch axis"):
        State(h=torch.tensor(0.0))


def test_a_layer_refuses_a_batch_on_another_axis() -> None:
    layer, x = elman.GRU(3, 5, num_layers=2), torch.zeros(4, 2, 3)
    turned = State(h=torch.zeros(2, 2, 5))  # as many layers as rows, so every shape fits
    for call in (lambda: layer(x, turned), lambda: layer.step(x[0], turned)):
        with torch.no_grad(), pytest.raises(InputError, match="is on axis 1"):
            call()


def test_a_cells_first_state_is_saved(tmp_path: Path) -> None:
    first = elman.LSTMCell(4, 8).initial_state(2)
    first.save(tmp_path / "state.safetensors")
    first["h"].add_(1)
    assert first["c"].sum() == 0
    assert State.load(tmp_path / "state.safetensors")["h"].shape == (2, 8)


def test_a_step_refuses_to_leave_out_dropout_between_layers() -> None:
    layer = elman.LSTM(3, 5, num_layers=2, dropout=0.5)
    for call in (layer.step, lambda x, s: layer.scan(x[None], s)):
        with pytest.raises(ValueError, match="eval"):
            call(torch.zeros(2, 3), layer.initial_state(2))
    layer.eval().step(torch.zeros(2, 3), layer.initial_state(2))


def test_a_state_of_another_model_is_named() -> None:
    with pytest.raises(InputError, match=r"a saved state: expected a state of h, n, got one of h;"):
        State(h=torch.zeros(3, 1)).require_like(state(), "a saved state")
    with pytest.raises(InputError, match="a batch of 2, expected 3"):
        state(2).require_like(state(), "x")
    state(2).require_like(state(), "x", batch=False)
    wider = State.with_axes({"h": torch.zeros(2, 3, 9), "n": torch.arange(3)}, {"h": 1, "n": 0})
    with pytest.raises(InputError, match="another model"):
        wider.require_like(state(), "x")


def test_saved_and_restored(tmp_path: Path) -> None:
    path = tmp_path / "state.safetensors"
    state().save(path, {"place": "12"})
    back = State.load(path)
    assert dict(back.axes) == {"h": 1, "n": 0}
    assert all(torch.equal(back[name], state()[name]) for name in state())


def test_files_that_are_no_state(tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.safetensors"
    safetensors.torch.save_file({"h": torch.zeros(1)}, foreign)
    with pytest.raises(InputError, match="not a saved state"):
        State.load(foreign)
    whole = tmp_path / "whole.safetensors"
    state().save(whole)
    cut = tmp_path / "cut.safetensors"
    cut.write_bytes(whole.read_bytes()[:-8])
    huge = tmp_path / "huge.safetensors"
    huge.write_bytes((2**62).to_bytes(8, "little") + b"{}")
    pickled = tmp_path / "pickled.safetensors"
    pickled.write_bytes(pickle.dumps({"h": 1}))
    for path in (cut, huge, pickled, tmp_path / "missing.safetensors"):
        with pytest.raises(InputError, match=path.name):
            State.load(path)


def test_it_is_a_pytree() -> None:
    doubled = pytree.tree_map(lambda tensor: tensor * 2, state())
    assert isinstance(doubled, State)
    assert torch.equal(doubled["h"], state()["h"] * 2)
    assert dict(doubled.axes) == dict(state().axes)


def test_forward_takes_either_form_and_step_the_state() -> None:
    gru = elman.GRU(3, 5, num_layers=2)
    x, h = torch.randn(6, 4, 3), torch.randn(2, 4, 5)
    y, hx = gru(x, h)
    same, final = gru(x, State.of(gru, h))
    assert isinstance(final, State)
    assert torch.equal(y, same)
    assert torch.equal(hx, final["h"])
    with pytest.raises(InputError, match="another layer"):
        gru(x, elman.LSTM(3, 5, 2).initial_state(4))
    with pytest.raises(RuntimeError, match=r"Expected hidden size \(2, 4, 5\), got \[2, 1, 5\]"):
        gru(x, gru.initial_state(1))  # never a broadcast
    with pytest.raises(RuntimeError, match="Expected hidden size"):
        gru.step(x[0], gru.initial_state(1))
