"""Padding changes nothing, alone is as in a batch, step by step is as in whole."""

from typing import Any, get_args

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.models.pooling import PoolingKind, make_pooling
from elman.models.stacked import output_width

POOLINGS = get_args(PoolingKind)
T, B, E, H, K = 9, 5, 4, 6, 3
LENGTHS = [9, 1, 4, 7, 2]


def network(
    pooling: PoolingKind | None, cell: str = "LSTM", depth: int = 2, both: bool = False, **more: Any
) -> Classifier:
    torch.manual_seed(0)
    layers: list[nn.Module] = []
    width = E
    for _ in range(depth):
        layers.append(getattr(elman, cell)(width, H, bidirectional=both))
        width = output_width(layers[-1:], width)
    model = Classifier(None, layers, width, K, pooling=pooling, **more)
    return model.double().eval()


def rows() -> tuple[Tensor, Tensor]:
    """Rows whose padding is poison."""
    torch.manual_seed(1)
    x, lengths = torch.randn(T, B, E, dtype=torch.double), torch.tensor(LENGTHS)
    for row, length in enumerate(LENGTHS):
        x[length:, row] = torch.nan
    return x, lengths


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("pooling", [*POOLINGS, None])
def test_alone_is_as_in_a_batch(pooling: PoolingKind | None, both: bool) -> None:
    model, (x, lengths) = network(pooling, both=both), rows()
    together = model(x, lengths)
    for row, length in enumerate(LENGTHS):
        alone = model(x[:length, row : row + 1], lengths[row : row + 1])
        if pooling is None:
            torch.testing.assert_close(together[:length, row], alone[:, 0])
        else:
            torch.testing.assert_close(together[row], alone[0])


@pytest.mark.parametrize("cell", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize("pooling", [*POOLINGS, None])
def test_step_by_step_is_as_in_whole(pooling: PoolingKind | None, cell: str) -> None:
    model, (x, _) = network(pooling, cell), rows()
    first = x[:, :1]
    state = model.initial_state(1)
    for t in range(T):
        logits, state = model.step(first[t], state)
        whole = model(first[: t + 1], torch.tensor([t + 1]))
        torch.testing.assert_close(logits, whole[t] if pooling is None else whole)


@pytest.mark.parametrize("pooling", [*POOLINGS, None])
def test_no_gradient_reaches_the_padding(pooling: PoolingKind | None) -> None:
    model, (x, lengths) = network(pooling, both=True), rows()
    x.requires_grad_()
    logits = model(x, lengths)
    real = torch.arange(T)[:, None] < lengths
    (logits if pooling is not None else logits[real]).sum().backward()
    assert x.grad is not None
    assert bool(x.grad[real].ne(0).any(-1).all()) or pooling == "max"
    assert bool(x.grad[~real].eq(0).all())
    assert all(p.grad is None or bool(p.grad.isfinite().all()) for p in model.parameters())


@pytest.mark.parametrize("pooling", POOLINGS)
def test_a_row_without_steps_is_zeros(pooling: PoolingKind) -> None:
    pool = make_pooling(pooling, H).double()
    y = torch.randn(3, 2, H, dtype=torch.double)
    y[:, 1] = 0
    found = pool(y, torch.tensor([2, 0]))
    assert bool(found[1].eq(0).all())
    assert bool(found[0].ne(0).any())
    assert bool(pool.result(pool.begin(y[0])).eq(0).all())


def test_poolings_by_hand() -> None:
    y = torch.tensor([[[1.0, -2.0]], [[3.0, -4.0]], [[99.0, 99.0]]])
    two = torch.tensor([2])
    assert make_pooling("last", 2)(y, two).tolist() == [[3, -4]]
    assert make_pooling("last", 2, bidirectional=True)(y, two).tolist() == [[3, -2]]
    assert make_pooling("max", 2)(y, two).tolist() == [[3, -2]]
    assert make_pooling("mean", 2)(y, two).tolist() == [[2, -3]]
    assert make_pooling("concat", 2)(y, two).tolist() == [[3, -4, 3, -2, 2, -3]]


def test_a_cell_of_ones_own_reads_both_ways() -> None:
    layer = elman.Recurrent(_Running(E), _Running(E))
    assert output_width([layer], E) == 2 * E
    model = Classifier(None, [layer], 2 * E, K, pooling="last").double().eval()
    x, lengths = rows()
    alone = model(x[:4, 2:3], lengths[2:3])
    torch.testing.assert_close(model(x, lengths)[2:3], alone)
    with pytest.raises(InputError, match="has to see the end"):
        model.initial_state(1)


class _Running(nn.Module):
    """Adds up what it reads."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(size))

    def initial_state(self, batch_size: int) -> elman.State:
        return elman.State(h=self.scale.new_zeros(batch_size, len(self.scale)))

    def step(self, x_t: Tensor, state: elman.State) -> tuple[Tensor, elman.State]:
        h = state["h"] + self.scale * x_t
        return h, elman.State(h=h)


def test_dropout_is_for_training_only() -> None:
    model = network("max", word_dropout=0.5, input_dropout=0.5, output_dropout=0.5)
    x, lengths = rows()
    assert torch.equal(model(x, lengths), model(x, lengths))
    model.train()
    assert not torch.equal(model(x, lengths), model(x, lengths))


def test_what_cannot_be_built() -> None:
    with pytest.raises(InputError, match="at least one"):
        Classifier(None, [], 3, 2)
    with pytest.raises(InputError, match="last, max, mean"):
        make_pooling("median", 3)  # type: ignore[arg-type]
