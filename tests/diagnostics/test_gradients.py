"""The gradient by lag against what theory says, and against autograd by other ways."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.diagnostics import gradient_by_lag, reach_by_gradient
from elman.errors import InputError
from tests.diagnostics.networks import linear

LAYERS: dict[str, Any] = {
    "rnn": elman.RNN,
    "gru": elman.GRU,
    "lstm": elman.LSTM,
    "torch rnn": nn.RNN,
    "torch gru": nn.GRU,
    "torch lstm": nn.LSTM,
}


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.97, 1.0, 1.05])
def test_a_linear_network_keeps_rho_to_the_k(rho: float) -> None:
    lags = 200
    found = gradient_by_lag(
        linear(rho), torch.randn(lags + 2, 4, 3, dtype=torch.float64), max_lag=lags
    )
    expected = rho ** torch.arange(lags + 1, dtype=torch.float64)
    torch.testing.assert_close(
        found.profile().ratios, expected.expand(8, -1), rtol=1e-4, atol=0, check_device=False
    )
    assert found.times == (200, 201)


@pytest.mark.parametrize("rho", [0.5, 0.9, 0.97])
def test_the_reach_of_a_linear_network(rho: float) -> None:
    x = torch.randn(202, 4, 3, dtype=torch.float64)
    reach = reach_by_gradient(gradient_by_lag(linear(rho), x, max_lag=200).profile())
    expected = math.log(0.01) / math.log(rho)
    assert reach.steps == pytest.approx(expected, rel=1e-4)
    assert reach.low == pytest.approx(expected, rel=1e-4)
    assert reach.high == pytest.approx(expected, rel=1e-4)
    assert not reach.censored


def test_a_reach_beyond_the_lags_is_said_to_be_at_least_so_long() -> None:
    x = torch.randn(31, 4, 3, dtype=torch.float64)
    reach = reach_by_gradient(gradient_by_lag(linear(0.99), x, max_lag=30).profile())
    assert reach.censored
    assert reach.steps == 30
    assert "at least 30" in reach.said("steps")


def test_the_input_is_seen_through_u() -> None:
    """With U orthogonal too, the norm by the input equals the norm by the state."""
    network = linear(0.8, size=4, inputs=4)
    with torch.no_grad():
        network.cell.u.copy_(nn.init.orthogonal_(torch.empty(4, 4)).double())
    found = gradient_by_lag(network, torch.randn(20, 2, 4, dtype=torch.float64))
    torch.testing.assert_close(
        found.profile(quantity="input").norms, found.profile(quantity="h").norms
    )


@pytest.mark.parametrize("name", LAYERS)
def test_finite_differences_agree(name: str) -> None:
    """Push the state and the input of one step a little, and see the loss move as told."""
    layer = LAYERS[name](3, 5, dtype=torch.float64)
    ours = elman.convert(layer) if name.startswith("torch") else layer
    x, direction = torch.randn(9, 2, 3).double(), torch.randn(2, 5).double()
    found = gradient_by_lag(
        layer, x, losses=lambda m, batch: (m(batch)[0] * direction).sum(-1), max_lag=4, times=[8]
    )

    def loss(state: elman.State, rest: Tensor) -> Tensor:
        return (ours(rest, state)[0][-1] * direction).sum(-1)

    lag, small = 4, 1e-6
    _, state = ours(x[: 9 - lag], ours.initial_state(2))
    slopes = []
    for unit in range(5):
        push = torch.zeros(1, 2, 5, dtype=torch.float64)
        push[..., unit] = small
        h = {"h": state["h"] + push}, {"h": state["h"] - push}
        up, down = (elman.State.with_axes({**state, **one}, state.axes) for one in h)
        slopes.append((loss(up, x[-lag:]) - loss(down, x[-lag:])) / (2 * small))
    expected = torch.stack(slopes).norm(dim=0)
    torch.testing.assert_close(found.profile().norms[:, lag], expected, rtol=1e-6, atol=1e-10)

    pushes = torch.eye(3, dtype=torch.float64) * small
    begin = ours.initial_state(2)
    slopes = []
    for push in pushes:
        up, down = x.clone(), x.clone()
        up[8 - lag] += push
        down[8 - lag] -= push
        slopes.append((loss(begin, up) - loss(begin, down)) / (2 * small))
    torch.testing.assert_close(
        found.profile(quantity="input").norms[:, lag],
        torch.stack(slopes).norm(dim=0),
        rtol=1e-6,
        atol=1e-10,
    )


def test_the_cell_state_counts_also_through_the_h_it_makes() -> None:
    """At lag 0 that is the only way: d loss / d c = o (1 - tanh² c) * d loss / d h."""
    layer = elman.LSTM(3, 5, dtype=torch.float64)
    x, direction = torch.randn(6, 2, 3).double(), torch.randn(2, 5).double()
    found = gradient_by_lag(
        layer, x, losses=lambda m, batch: (m(batch)[0] * direction).sum(-1), times=[5]
    )
    h, (_, c) = layer(x)
    expected = h[-1] / c[0].tanh() * (1 - c[0].tanh() ** 2) * direction
    torch.testing.assert_close(found.profile(quantity="c").norms[:, 0], expected.norm(dim=-1))


class Tagger(nn.Module):
    """Somebody's own model: an embedding, two layers, a read-out."""

    def __init__(self, layer: Any, **options: Any) -> None:
        super().__init__()
        self.embedding = nn.Embedding(7, 4)
        self.rnn = layer(4, 6, num_layers=2, **options)
        self.out = nn.Linear(12 if options.get("bidirectional") else 6, 7)

    def forward(self, tokens: Tensor) -> Tensor:
        logits: Tensor = self.out(self.rnn(self.embedding(tokens))[0])
        return logits


@pytest.mark.parametrize("name", LAYERS)
@pytest.mark.parametrize("batch_first", [False, True])
def test_any_model_with_a_recurrent_layer(name: str, batch_first: bool) -> None:
    model = Tagger(LAYERS[name], batch_first=batch_first)
    tokens = torch.randint(7, (3, 12) if batch_first else (12, 3))
    before = model(tokens).detach()
    found = gradient_by_lag(model, (tokens, tokens))
    assert found.places == ("rnn.l0", "rnn.l1")
    assert {p.quantity for p in found.profiles} == (
        {"h", "c", "input"} if "lstm" in name else {"h", "input"}
    )
    assert all((p.norms > 0).all() for p in found.profiles)
    logits = before.flatten(0, 1)
    expected = nn.functional.cross_entropy(logits, tokens.flatten())
    assert found.mean_loss == pytest.approx(float(expected), rel=1e-5)
    torch.testing.assert_close(model(tokens), before)
    assert all(parameter.grad is None for parameter in model.parameters())
    assert "forward" not in vars(model.rnn)


@pytest.mark.parametrize("kind", [elman.GRU, nn.GRU])
def test_a_backward_direction_counts_ahead(kind: Any) -> None:
    """Reading the mirrored sequence, both directions change places."""
    torch.manual_seed(1)
    layer = kind(3, 5, bidirectional=True)
    mirrored = kind(3, 5, bidirectional=True)
    names = {n: n.removesuffix("_reverse") if "reverse" in n else f"{n}_reverse" for n, _ in
             layer.named_parameters()}  # fmt: skip
    mirrored.load_state_dict({names[n]: p.detach() for n, p in layer.named_parameters()})
    x = torch.randn(10, 2, 3)

    def end(model: nn.Module, batch: Tensor) -> Tensor:
        return model(batch)[0].sum(-1)  # type: ignore[no-any-return]

    one = gradient_by_lag(layer, x, losses=end, max_lag=5, times=[5])
    # Time 5 of the sequence is time 4 of the mirrored one, and lags ahead become lags back.
    other = gradient_by_lag(mirrored, x.flip(0), losses=end, max_lag=4, times=[4])
    torch.testing.assert_close(
        one.profile("l0_reverse").norms[:, :5], other.profile("l0").norms[:, :5]
    )


def test_rows_that_end_early_are_followed_from_their_own_end() -> None:
    layer, x = elman.LSTM(3, 5), torch.randn(12, 2, 3)

    def at_end(model: nn.Module, batch: Tensor) -> Tensor:
        _, (h, _) = model(batch, lengths=[12, 8])
        return h[-1].sum(-1)  # type: ignore[no-any-return]

    both = gradient_by_lag(layer, x, losses=at_end, max_lag=9).profile().norms
    alone = gradient_by_lag(layer, x[:8, 1:], losses=lambda m, b: m(b)[1][0][-1].sum(-1), max_lag=7)
    torch.testing.assert_close(both[1, :8], alone.profile().norms[0])
    assert both[1, 8:].isnan().all()
    assert not both[0].isnan().any()


def test_frozen_models_and_the_mode_are_left_as_they_are() -> None:
    model = Tagger(elman.LSTM).requires_grad_(False).eval()
    found = gradient_by_lag(model, torch.randint(7, (12, 3)))
    assert (found.profile("rnn.l0").norms > 0).all()
    assert not model.training


def test_single_precision_follows_a_gradient_far_below_its_squares() -> None:
    network = linear(0.7).float()
    found = gradient_by_lag(network, torch.randn(202, 2, 3), max_lag=200)
    torch.testing.assert_close(
        found.profile().ratios[0, -1], torch.tensor(0.7**200).double(), rtol=1e-3, atol=0
    )


@pytest.mark.parametrize(
    ("model", "batch", "options", "complaint"),
    [
        (nn.Linear(3, 3), torch.randn(4, 2, 3), {}, "no recurrent layer"),
        (elman.RNN(3, 4), torch.randn(9, 2, 3), {"max_lag": 9}, "too short for a lag of 9"),
        (elman.RNN(3, 4), torch.full((9, 2, 3), math.nan), {}, "the loss is nan at step 0 of"),
        (elman.RNN(3, 4), torch.randn(9, 2, 3), {"times": [2]}, "times must be from max_lag"),
        (elman.RNN(3, 4), (torch.randn(9, 2, 3), torch.randn(9, 2)), {}, "targets have shape"),
        (elman.RNN(3, 4), torch.randn(9, 2, 3), {"losses": lambda m, b: m(b)[0]}, "losses have"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed(
    model: nn.Module, batch: Any, options: Any, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        gradient_by_lag(model, batch, **options)
