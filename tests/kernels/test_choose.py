"""Which backend serves, why, and that a forced one never falls back."""

from __future__ import annotations

import pytest
import torch

import elman
from tests.cases import Case


def test_the_choice_is_explained() -> None:
    x = Case().input()
    double = elman.explain(Case().ours(), x)
    assert double.backend == "torch"
    assert "ATen" in str(double)
    assert "float32" in double.reason
    single = Case(dtype=torch.float32, steps=35)
    assert elman.explain(single.ours(), single.input()).backend == "native"
    zoned = elman.explain(Case().ours(zoneout=0.1), x)
    assert zoned.backend == "reference"
    assert "zoneout" in zoned.reason


def test_dropout_on_the_memory_needs_the_reference_only_while_training() -> None:
    layer = Case().ours(recurrent_dropout=0.5)
    assert elman.explain(layer, Case().input()).backend == "reference"
    assert elman.explain(layer.eval(), Case().input()).backend == "torch"


def test_a_forced_backend_raises_where_it_cannot_serve() -> None:
    layer, x = Case().ours(layer_norm=True), Case().input()
    with elman.use_backend("torch"), pytest.raises(RuntimeError, match="no layer norm"):
        layer(x)
    with elman.use_backend("native"), pytest.raises(RuntimeError, match="float32"):
        layer(x)
    with elman.use_backend("reference"):
        assert "forced" in elman.explain(layer, x).reason
        layer(x)


def test_forcing_ends_with_its_block_even_after_an_error() -> None:
    with pytest.raises(KeyError), elman.use_backend("reference"):
        raise KeyError
    assert elman.explain(Case().ours(), Case().input()).backend == "torch"
    with pytest.raises(ValueError, match="backend"), elman.use_backend("cuda"):  # type: ignore[arg-type]
        pass


def test_forward_goes_where_choose_says(monkeypatch: pytest.MonkeyPatch) -> None:
    went = []
    for name in ("aten", "reference"):
        module = __import__(f"elman.kernels.{name}", fromlist=["run"])
        run = module.run
        monkeypatch.setattr(
            module, "run", lambda *a, _n=name, _r=run, **k: went.append(_n) or _r(*a, **k)
        )
    layer, x = Case().ours(), Case().input()
    layer(x)
    with elman.use_backend("reference"):
        layer(x)
    assert went == ["aten", "reference"]


def test_inputs_of_every_device_and_dtype_have_a_backend() -> None:
    layer = elman.GRU(3, 5, dtype=torch.bfloat16)
    y, _ = layer(torch.randn(4, 2, 3, dtype=torch.bfloat16))
    assert y.dtype == torch.bfloat16
