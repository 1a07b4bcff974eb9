"""Each head against the distribution that it names, and what all heads have in common."""

import pytest
import torch
from torch import Tensor, distributions

from elman.models.forecast_heads import LEVELS, Head, make_head
from elman.models.student_t import student_t_quantile

KINDS = ("student-t", "gaussian", "negative-binomial", "quantile", "median", "mean")
WITH_SPREAD = KINDS[:4]


def settled(head: Head, rows: int = 5) -> Tensor:
    """Parameters (2, rows, P) of windows that have a location and a spread of their own."""
    torch.manual_seed(3)
    raw = torch.randn(2, rows, head.width, dtype=torch.float64)
    spread = torch.rand(rows, dtype=torch.float64) + 0.5
    counts = type(head).__name__ == "NegativeBinomialHead"
    location = torch.zeros_like(spread) if counts else torch.randn_like(spread)
    return head.settle(raw, location, spread)


def test_the_gaussian_head_is_the_normal_distribution() -> None:
    head = make_head("gaussian")
    parameters = settled(head)
    same = distributions.Normal(*parameters.unbind(-1))
    y = torch.randn(2, 5, dtype=torch.float64)
    torch.testing.assert_close(head.loss(parameters, y, torch.ones(5)), -same.log_prob(y))
    found = head.quantiles(parameters, [0.1, 0.8], torch.ones(5))
    torch.testing.assert_close(same.cdf(found[..., 0]), torch.full_like(y, 0.1))
    torch.testing.assert_close(same.cdf(found[..., 1]), torch.full_like(y, 0.8))


def test_the_student_t_head_is_students_distribution() -> None:
    head = make_head("student-t")
    parameters = settled(head)
    center, width, freedom = parameters.unbind(-1)
    assert bool((freedom > 2).all())
    y = torch.randn(2, 5, dtype=torch.float64)
    same = distributions.StudentT(freedom, center, width)
    torch.testing.assert_close(head.loss(parameters, y, torch.ones(5)), -same.log_prob(y))


@pytest.mark.parametrize("freedom", [2.1, 2.5, 3.0, 4.0, 5.0, 12.0, 300.0])
def test_the_quantiles_of_students_t(freedom: float) -> None:
    stats = pytest.importorskip("scipy.stats")
    levels = torch.tensor([0.001, 0.025, 0.1, 0.25, 0.45, 0.5, 0.6, 0.975], dtype=torch.float64)
    found = student_t_quantile(levels, torch.full_like(levels, freedom))
    expected = torch.tensor(stats.t.ppf(levels.numpy(), freedom))
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-12)


def test_the_counts_have_the_mean_and_variance_that_they_say() -> None:
    head = make_head("negative-binomial")
    parameters, scale = settled(head), torch.tensor([3.0, 5.0, 8.0, 2.0, 9.0], dtype=torch.float64)
    mean, shape = parameters[..., 0] * scale, parameters[..., 1]
    same = distributions.NegativeBinomial(1 / shape, probs=shape * mean / (1 + shape * mean))
    torch.testing.assert_close(same.variance, mean + shape * mean.square())
    y = torch.tensor([0.0, 1.0, 4.0, 17.0, 2.0], dtype=torch.float64)
    loss = head.loss(parameters, y / scale, scale)
    torch.testing.assert_close(loss, -same.log_prob(y.expand(2, 5)))


def test_drawn_counts_are_counts_and_their_quantiles_repeat() -> None:
    head, scale = make_head("negative-binomial"), torch.full((5,), 7.0, dtype=torch.float64)
    parameters = settled(head)
    once, again = (head.quantiles(parameters, [0.1, 0.5, 0.9], scale) for _ in range(2))
    assert torch.equal(once, again)
    counts = once * scale[:, None]
    torch.testing.assert_close(counts, counts.round())
    assert bool((counts.diff(dim=-1) >= 0).all())


def test_the_quantile_head_never_crosses_and_learns_by_the_pinball_loss() -> None:
    head = make_head("quantile")
    parameters, y = settled(head), torch.randn(2, 5, dtype=torch.float64)
    assert bool((parameters.diff(dim=-1) > 0).all())
    pinball = [
        torch.where(y > q, level * (y - q), (1 - level) * (q - y))
        for level, q in zip(LEVELS, parameters.unbind(-1), strict=True)
    ]
    expected = 2 * torch.stack(pinball, -1).mean(-1)
    torch.testing.assert_close(head.loss(parameters, y, torch.ones(5)), expected)
    torch.testing.assert_close(head.quantiles(parameters, LEVELS, torch.ones(5)), parameters)
    middle = head.quantiles(parameters, [0.375], torch.ones(5))[..., 0]
    torch.testing.assert_close(middle, (parameters[..., 2] + parameters[..., 3]) / 2)


@pytest.mark.parametrize("kind", KINDS)
def test_location_and_spread_move_the_whole_answer(kind: str) -> None:
    head = make_head(kind)
    raw, ones = torch.randn(3, 4, head.width, dtype=torch.float64), torch.ones(4).double()
    location = torch.zeros(4).double() if kind == "negative-binomial" else 5 * ones
    plain = head.settle(raw, 0 * ones, ones)
    moved = head.settle(raw, location, 2 * ones)
    torch.testing.assert_close(head.mean(moved), 2 * head.mean(plain) + location)
    if kind != "negative-binomial":
        wide, narrow = (head.quantiles(p, [0.1, 0.9], ones) for p in (moved, plain))
        torch.testing.assert_close(wide, 2 * narrow + 5)


@pytest.mark.parametrize("kind", [k for k in WITH_SPREAD if k != "negative-binomial"])
def test_a_draw_is_the_quantile_at_its_level(kind: str) -> None:
    head = make_head(kind)
    parameters = settled(head)
    drawn = head.sample(parameters, torch.ones(5), torch.full((2, 5), 0.3).double())
    torch.testing.assert_close(drawn, head.quantiles(parameters, [0.3], torch.ones(5))[..., 0])


@pytest.mark.parametrize("kind", ["median", "mean"])
def test_one_number_has_no_spread(kind: str) -> None:
    head = make_head(kind)
    parameters, y = settled(head), torch.randn(2, 5).double()
    assert not head.has_spread
    error = head.mean(parameters) - y
    expected = error.abs() if kind == "median" else error.square()
    torch.testing.assert_close(head.loss(parameters, y, torch.ones(5)), expected)
