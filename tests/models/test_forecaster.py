"""The three forecasters: alone as in a batch, step by step as in one go, blind to the future."""

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from elman.errors import InputError
from elman.models.forecast_heads import make_head
from elman.models.forecaster import Forecaster, Form, Normalizer
from elman.models.forecaster_autoregressive import AutoregressiveForecaster, path_noise
from elman.models.forecaster_direct import DirectForecaster
from elman.models.forecaster_segments import SegmentForecaster
from tests.models.networks import LAYERS

HIDDEN = 8
FORM = Form(look_back=12, horizon=5, features=2, series=3, lags=(1, 4), embedding=4)
PLAIN = replace(FORM, lags=())


@dataclass
class Window:
    values: Tensor
    observed: Tensor
    features: Tensor
    series: Tensor
    scale: Tensor
    targets: Tensor
    scored: Tensor

    def row(self, place: int) -> "Window":
        one = slice(place, place + 1)
        return Window(
            *(part[:, one] for part in (self.values, self.observed, self.features)),
            *(part[one] for part in (self.series, self.scale)),
            *(part[:, one] for part in (self.targets, self.scored)),
        )


def window(form: Form, batch: int = 3) -> Window:
    torch.manual_seed(5)
    back = form.before + form.look_back
    observed = (torch.rand(back, batch, dtype=torch.float64) > 0.1).double()
    values = torch.randn(back, batch, dtype=torch.float64) * observed
    features = torch.randn(form.look_back + form.horizon, batch, form.features).double()
    targets = torch.randn(form.horizon, batch, dtype=torch.float64)
    series = torch.arange(batch) % form.series
    ones = torch.ones(batch, dtype=torch.float64)
    return Window(values, observed, features, series, ones, targets, torch.ones_like(targets))


def layers(cell: str, first: int, depth: int = 2) -> list[torch.nn.Module]:
    return [LAYERS[cell](i, o) for i, o in pairwise([first] + [HIDDEN] * depth)]


def forecaster(kind: str, cell: str = "gru", head: str = "gaussian", **options: Any) -> Forecaster:
    torch.manual_seed(1)
    made: Forecaster
    if kind == "direct":
        own = layers(cell, DirectForecaster.input_width(FORM))
        made = DirectForecaster(FORM, own, HIDDEN, make_head(head), dropout=0.2, **options)
    elif kind == "autoregressive":
        own = layers(cell, AutoregressiveForecaster.input_width(FORM))
        made = AutoregressiveForecaster(FORM, own, HIDDEN, make_head(head), dropout=0.2)
    else:
        own = layers(cell, HIDDEN)
        made = SegmentForecaster(
            PLAIN, own, HIDDEN, make_head(head), segment=4, dropout=0.2, **options
        )
    return made.double().eval()


@pytest.mark.parametrize("kind", ["direct", "segments"])
@pytest.mark.parametrize("normalization", ["none", "last", "revin"])
def test_a_row_alone_is_what_it_is_in_a_batch(kind: str, normalization: str) -> None:
    model = forecaster(kind, normalization=normalization)
    together = window(model.form)
    whole = model(together)
    assert whole.shape == (5, 3, 2)
    for place in range(3):
        torch.testing.assert_close(model(together.row(place))[:, 0], whole[:, place])


@pytest.mark.parametrize("kind", ["direct", "autoregressive", "segments"])
@pytest.mark.parametrize("cell", ["rnn", "lstm", "custom"])
def test_any_cell_learns_in_any_of_them(kind: str, cell: str) -> None:
    model, answered = forecaster(kind, cell), None
    model.train()
    optimizer = torch.optim.Adam(model.parameters(), 0.02)
    losses = []
    for _ in range(25):
        answered = window(model.form)
        loss, units = model.loss(answered)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[-1] < losses[0] - 0.1
    assert answered is not None
    assert units == 15 or (kind == "autoregressive" and 15 < units <= 51)


@pytest.mark.parametrize("kind", ["direct", "segments"])
def test_targets_and_features_of_the_past_alone_decide(kind: str) -> None:
    model = forecaster(kind)
    known = window(model.form)
    other = replace(known, targets=known.targets + 9)
    assert torch.equal(model(known), model(other))
    ahead = known.features.clone()
    ahead[-1] += 1
    moved = model(replace(known, features=ahead))
    assert not torch.equal(moved, model(known))


def test_what_was_not_observed_is_not_read() -> None:
    for kind in ("direct", "segments"):
        model = forecaster(kind, normalization="revin")
        known = window(model.form)
        noise = torch.randn_like(known.values) * (1 - known.observed)
        torch.testing.assert_close(model(replace(known, values=known.values + noise)), model(known))


@pytest.mark.parametrize("kind", ["direct", "segments"])
@pytest.mark.parametrize(("normalization", "factor"), [("last", 1.0), ("revin", 30.0)])
def test_a_window_that_is_moved_moves_its_forecast(
    kind: str, normalization: str, factor: float
) -> None:
    model = forecaster(kind, head="median", normalization=normalization)
    known = window(model.form)
    moved = replace(known, values=(factor * known.values + 70) * known.observed)
    expected = factor * model(known) + 70
    torch.testing.assert_close(model(moved), expected, rtol=1e-3, atol=1e-2)


def test_the_last_value_is_the_last_that_was_observed() -> None:
    values = torch.tensor([[1.0, 2.0], [3.0, 4.0], [0.0, 6.0]])
    observed = torch.tensor([[1.0, 1.0], [1.0, 1.0], [0.0, 1.0]])
    location, _ = Normalizer("last").measure(values, observed)
    assert location.tolist() == [3.0, 6.0]


@pytest.mark.parametrize("cell", ["lstm", "custom"])
def test_reading_step_by_step_is_reading_at_once(cell: str) -> None:
    model = forecaster("autoregressive", cell)
    assert isinstance(model, AutoregressiveForecaster)
    w, before = window(FORM), FORM.before
    features = w.features[: FORM.look_back]
    whole, after = model.read(w.values, w.observed, features, w.series, model.initial_state(3))
    state, found = model.initial_state(3), []
    for step in range(FORM.look_back):
        rows = slice(step, step + before + 1)
        one = features[step : step + 1]
        parameters, state = model.read(w.values[rows], w.observed[rows], one, w.series, state)
        found.append(parameters)
    torch.testing.assert_close(torch.cat(found), whole)
    for name, tensor in after.items():
        torch.testing.assert_close(state[name], tensor)


def test_a_shorter_history_in_a_batch_is_read_from_its_own_beginning() -> None:
    model = forecaster("autoregressive", "lstm")
    assert isinstance(model, AutoregressiveForecaster)
    w = window(FORM, 2)
    short = 7
    w.values[:-short, 1] = 0
    w.observed[:-short, 1] = 0
    state = model.state_after(w, torch.tensor([FORM.look_back, short]))
    alone = w.row(1)
    cut = replace(
        alone,
        values=alone.values[FORM.look_back - short :],
        observed=alone.observed[FORM.look_back - short :],
        features=alone.features[FORM.look_back - short :],
    )
    own = model.state_after(cut, torch.tensor([short]))
    for name, tensor in own.items():
        torch.testing.assert_close(state.select([1])[name], tensor)


@pytest.mark.parametrize("head", ["student-t", "gaussian", "quantile", "mean"])
def test_paths_of_a_row_alone_are_those_in_a_batch(head: str) -> None:
    model = forecaster("autoregressive", "gru", head)
    assert isinstance(model, AutoregressiveForecaster)
    w = window(FORM)
    state = model.state_after(w, torch.full((3,), FORM.look_back))
    noise = path_noise(40, FORM.horizon, 0).double()
    together = model.paths(w, state, noise)
    assert together.shape == (40, 5, 3)
    alone = model.paths(w.row(2), state.select([2]), noise)
    torch.testing.assert_close(alone[:, :, 0], together[:, :, 2])
    assert (head == "mean") == bool((together.std(0) < 1e-9).all())


def test_the_first_drawn_step_is_the_distribution_of_the_next_value() -> None:
    model = forecaster("autoregressive", "lstm")
    assert isinstance(model, AutoregressiveForecaster)
    w = window(FORM)
    state = model.state_after(w, torch.full((3,), FORM.look_back))
    values, observed = (torch.cat([part, part[-1:]])[-5:] for part in (w.values, w.observed))
    parameters, _ = model.read(values, observed, w.features[-5:-4], w.series, state)
    drawn = model.paths(w, state, path_noise(2000, FORM.horizon, 0).double())[:, 0]
    torch.testing.assert_close(drawn.mean(0), parameters[0, :, 0], rtol=0, atol=1e-2)
    torch.testing.assert_close(drawn.std(0), parameters[0, :, 1], rtol=2e-2, atol=0)


def test_a_segment_that_does_not_divide_the_look_back() -> None:
    with pytest.raises(InputError, match="--segment 5: does not divide the look-back of 12"):
        SegmentForecaster(PLAIN, layers("gru", HIDDEN), HIDDEN, make_head("mean"), segment=5)
