"""Schedules and averaging against torch's own and the papers' formulas."""

import copy
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn
from torch.utils._pytree import tree_map_only

from elman.training.optim import (
    Average,
    Pace,
    averaged,
    averaging_begins,
    clip_gradients,
    evaluations_since_best,
    gradient_norm,
    learning_rate,
    make_optimizer,
    plateau_decays,
    restore_optimizer,
    set_rates,
)
from tests.training.toy import make_config

LOSSES = st.lists(st.integers(0, 8).map(float), max_size=30)


def test_step_is_the_schedule_of_zaremba() -> None:
    """Zaremba et al. 2014: rate 1 for four epochs, halved at the start of each one after."""
    epoch = 37
    config = make_config(
        schedule="step", learning_rate=1.0, decay_start=4 * epoch, decay_every=epoch, decay_rate=0.5
    )
    for step in range(13 * epoch):
        expected = 0.5 ** max(step // epoch + 1 - 4, 0)
        assert learning_rate(config, step, []) == expected


def test_cosine_against_torch() -> None:
    config = make_config(
        schedule="cosine", learning_rate=0.3, final_learning_rate=0.01, max_steps=50
    )
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=0.3)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=50, eta_min=0.01)
    for step in range(51):
        expected = optimizer.param_groups[0]["lr"]
        assert learning_rate(config, step, []) == pytest.approx(expected, rel=1e-9)
        optimizer.step()
        scheduler.step()
    assert learning_rate(config, 80, []) == pytest.approx(0.01)


@pytest.mark.parametrize("schedule", ["constant", "cosine", "plateau", "step"])
def test_warmup(schedule: str) -> None:
    config = make_config(
        schedule=schedule, warmup_steps=10, learning_rate=1.0, max_steps=100, decay_start=50
    )
    rates = [learning_rate(config, step, []) for step in range(11)]
    assert rates[:10] == pytest.approx([(step + 1) / 10 for step in range(10)])
    assert rates[10] == 1.0


@given(LOSSES, st.integers(0, 4))
def test_plateau_against_torch(losses: list[float], patience: int) -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(
        optimizer, factor=0.5, patience=patience, threshold=0.0, eps=0.0
    )
    for loss in losses:
        scheduler.step(loss)
    assert 0.5 ** plateau_decays(losses, patience) == optimizer.param_groups[0]["lr"]
    config = make_config(
        schedule="plateau", learning_rate=1.0, plateau_patience=patience, final_learning_rate=0.2
    )
    assert learning_rate(config, 7, losses) == max(0.2, optimizer.param_groups[0]["lr"])


@given(LOSSES, st.integers(1, 5))
def test_averaging_begins_as_in_awd_lstm(losses: list[float], interval: int) -> None:
    """The condition of its training script, run over the evaluations one by one."""
    before: list[float] = []
    expected = False
    for loss in losses:
        expected = len(before) > interval and loss > min(before[:-interval])
        before.append(loss)
    assert averaging_begins(losses, interval) == expected


def test_since_best() -> None:
    assert evaluations_since_best([]) == 0
    assert evaluations_since_best([3.0]) == 0
    assert evaluations_since_best([3.0, 2.0, 2.0, 2.5]) == 2


def test_average_against_torch_asgd() -> None:
    """With lambd = 0 torch's ASGD is SGD with a mean of the iterates, of all where t0 = -1."""
    torch.manual_seed(3)
    ours, theirs = nn.Linear(3, 2), nn.Linear(3, 2)
    theirs.load_state_dict(ours.state_dict())
    sgd = torch.optim.SGD(ours.parameters(), lr=0.1)
    asgd = torch.optim.ASGD(theirs.parameters(), lr=0.1, t0=-1, lambd=0.0)
    average = Average.of(ours)
    for _ in range(7):
        x = torch.randn(5, 3)
        for model, optimizer in ((ours, sgd), (theirs, asgd)):
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
        average.update(ours)
    assert average.count == 7
    for mean, parameter in zip(average.means, theirs.parameters(), strict=True):
        torch.testing.assert_close(mean, asgd.state[parameter]["ax"])
    own = [parameter.detach().clone() for parameter in ours.parameters()]
    with pytest.raises(RuntimeError, match="on purpose"), averaged(ours, average):  # noqa: PT012
        for parameter, mean in zip(ours.parameters(), average.means, strict=True):
            assert torch.equal(parameter, mean)
        raise RuntimeError("on purpose")
    for parameter, before in zip(ours.parameters(), own, strict=True):
        assert torch.equal(parameter, before)


def test_averaged_weights_are_seen_as_changed() -> None:
    """Whoever caches by the version counter must notice both changes."""
    model = nn.Linear(2, 2)
    average = Average.of(model)
    average.update(model)
    versions = [model.weight._version]
    with averaged(model, average):
        versions.append(model.weight._version)
    versions.append(model.weight._version)
    assert versions == sorted(set(versions))


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_optimizer_takes_every_parameter_once_and_decays_matrices(optimizer: str) -> None:
    model = nn.Sequential(nn.Embedding(4, 4), nn.Linear(4, 4))
    model[1].weight = model[0].weight
    made = make_optimizer(model, make_config(optimizer=optimizer, weight_decay=0.3))
    decay = {id(p): group["weight_decay"] for group in made.param_groups for p in group["params"]}
    assert decay == {id(model[0].weight): 0.3, id(model[1].bias): 0.0}


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_moments_from_a_file_lie_as_their_parameter_does(optimizer: str) -> None:
    config = make_config(optimizer=optimizer, momentum=0.9)
    torch.manual_seed(0)
    channels_last = nn.Conv2d(3, 4, 3, bias=False).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    gradients = torch.randn(2, 4, 3, 3, 3)
    made = make_optimizer(channels_last, config)

    def step(model: nn.Conv2d, by: torch.optim.Optimizer, gradient: torch.Tensor) -> None:
        model.weight.grad = torch.empty_like(model.weight).copy_(gradient)
        by.step()

    step(channels_last, made, gradients[0])
    again = copy.deepcopy(channels_last)
    saved = tree_map_only(
        torch.Tensor, lambda t: t.clone(memory_format=torch.contiguous_format), made.state_dict()
    )
    resumed = make_optimizer(again, config)
    restore_optimizer(resumed, saved)
    step(channels_last, made, gradients[1])
    step(again, resumed, gradients[1])
    assert again.weight.equal(channels_last.weight)


def test_adamw_takes_the_settings() -> None:
    config = make_config(betas=(0.7, 0.8), weight_decay=0.5)
    ours, theirs = nn.Linear(3, 2, bias=False), nn.Linear(3, 2, bias=False)
    theirs.load_state_dict(ours.state_dict())
    pair = (
        (ours, make_optimizer(ours, config)),
        (theirs, torch.optim.AdamW(theirs.parameters(), 4e-3, (0.7, 0.8), weight_decay=0.5)),
    )
    for _ in range(3):
        x = torch.randn(5, 3)
        for model, optimizer in pair:
            optimizer.zero_grad()
            model(x).square().sum().backward()
            optimizer.step()
    torch.testing.assert_close(ours.weight, theirs.weight)


@pytest.mark.parametrize("longest", [0.0, 0.5, 1e9])
def test_clipping(longest: float) -> None:
    model = nn.Linear(3, 2)
    model(torch.randn(4, 3)).square().sum().backward()
    before = [p.grad.clone() for p in model.parameters() if p.grad is not None]
    norm = math.sqrt(sum(float(g.square().sum()) for g in before))
    assert gradient_norm(model) == pytest.approx(norm, rel=1e-5)
    assert norm > 0.5
    clip_gradients(model, norm, longest)
    after = [p.grad for p in model.parameters() if p.grad is not None]
    factor = 0.5 / norm if longest == 0.5 else 1.0
    for clipped, gradient in zip(after, before, strict=True):
        torch.testing.assert_close(clipped, gradient * factor)


def test_an_average_that_forgets() -> None:
    """All alike until there are 1 / (1 - d) of them, then the latest by a share of 1 - d."""
    model = nn.Linear(1, 1, bias=False)
    average = Average.of(model, decay=0.75)
    expected = None
    for number, value in enumerate([3.0, 5.0, 7.0, 9.0, 20.0, -4.0], 1):
        nn.init.constant_(model.weight, value)
        average.update(model)
        share = max(1 / number, 0.25)
        expected = value if expected is None else expected + share * (value - expected)
    assert float(average.means[0]) == pytest.approx(expected)
    again = Average.from_state_dict(average.state_dict(), torch.device("cpu"))
    assert again.decay == 0.75


def test_parts_that_learn_at_rates_of_their_own() -> None:
    model = nn.Sequential(nn.Linear(2, 2), nn.Linear(2, 2))
    model.paces = {"0.weight": Pace(0.5, 3), "0.bias": Pace(0.5, 3)}  # type: ignore[assignment]
    optimizer = make_optimizer(model, make_config(optimizer="sgd", weight_decay=0.1))
    assert len(optimizer.param_groups) == 4
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.1, 0.1, 0.0, 0.0]
    for step, slow in ((0, 0.0), (2, 0.0), (3, 0.05), (9, 0.05)):
        set_rates(optimizer, 0.1, step)
        rates = {id(p): g["lr"] for g in optimizer.param_groups for p in g["params"]}
        names = {name: rates[id(p)] for name, p in model.named_parameters()}
        assert names == {"0.weight": slow, "0.bias": slow, "1.weight": 0.1, "1.bias": 0.1}


def test_a_slanted_triangle() -> None:
    config = make_config(
        schedule="linear",
        learning_rate=1.0,
        warmup_steps=10,
        max_steps=110,
        final_learning_rate=0.2,
    )
    rates = [learning_rate(config, step, []) for step in (0, 4, 9, 10, 60, 110)]
    assert rates == pytest.approx([0.1, 0.5, 1.0, 1.0, 0.6, 0.2])
