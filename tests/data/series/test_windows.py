"""Windows hold what was known at a cut, and nothing else; batches can be resumed."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from elman.data.series.frequency import Frequency
from elman.data.series.panel import Covariate, Panel
from elman.data.series.scaler import Scaler, measure
from elman.data.series.windows import Reach, TrainingWindows, WindowBatch, Windows
from elman.errors import InputError

REACH = Reach(look_back=6, before=2, horizon=3)


def panel() -> Panel:
    """Two series of 20 and 9 rows, two channels, a covariate of every kind."""
    draw = np.random.default_rng(0)
    lengths, ahead = np.array([20, 9]), 3
    borders = np.concatenate([[0], lengths.cumsum()])
    reach = np.concatenate([[0], (lengths + ahead).cumsum()])
    values = draw.normal(50, 9, (29, 2))
    values[4, 0] = np.nan
    observed = np.isfinite(values)
    observed[7, 1] = False
    return Panel(
        frequency=Frequency.named("D"),
        ids=("a", "b"),
        targets=("y", "z"),
        starts=np.array(["2024-01-01"] * 2, "datetime64[ns]"),
        borders=borders,
        values=values,
        observed=observed,
        static=np.array([[1.0], [0.0]]),
        past=draw.normal(size=(29, 1)),
        future=draw.normal(size=(35, 1)),
        future_borders=reach,
        covariates=(
            Covariate("kind", "static", ("big", "small")),
            Covariate("rain", "past"),
            Covariate("holiday", "future"),
        ),
        missing="mask",
    )


def windows(kind: str = "standard") -> Windows:
    data = panel()
    scaler = Scaler.fit(data, kind)  # type: ignore[arg-type]
    return Windows(data, scaler, np.arange(2), REACH)


def one(made: Windows, series: int, channel: int, end: int) -> WindowBatch:
    return made.at(*(np.array([item]) for item in (series, channel, end)))


def test_a_window_is_cut_where_it_says() -> None:
    made, data = windows(), panel()
    batch = one(made, 1, 1, 6)
    own = data.values[20:, 1]
    scaled = (own - own.mean()) / own.std()
    assert batch.values[:2, 0].tolist() == [0, 0]
    assert batch.observed[:, 0].tolist() == [0, 0, 1, 1, 1, 1, 1, 1]
    np.testing.assert_allclose(batch.values[2:, 0], scaled[:6], rtol=1e-5)
    np.testing.assert_allclose(batch.targets[:, 0], scaled[6:9], rtol=1e-5)
    assert batch.series.tolist() == [3]
    assert batch.features.shape == (9, 1, made.features) == (9, 1, 4)
    rain, kind = batch.features[:, 0, 1], batch.features[:, 0, 2:]
    assert (rain[6:] == 0).all()
    assert (rain[:6] != 0).all()
    assert kind[0].tolist() == [1, 0]


def test_what_was_filled_is_read_and_not_scored_what_is_missing_neither() -> None:
    made = windows()
    filled = one(made, 0, 1, 5)
    assert filled.scored[:, 0].tolist() == [1, 1, 0]
    assert filled.targets[2, 0] == 0
    assert one(made, 0, 1, 9).observed[6, 0] == 1
    missing = one(made, 0, 0, 6)
    assert missing.observed[6, 0] == missing.values[6, 0] == 0


def test_nothing_after_the_cut_is_in_the_inputs() -> None:
    data = panel()
    scaler = Scaler.fit(data, "standard")
    changed = replace(data, values=data.values.copy(), past=data.past.copy())
    changed.values[10:20] = 1e6
    changed.past[10:20] = 1e6
    parts = [
        Windows(item, scaler, np.arange(2), REACH).at(np.array([0]), np.array([0]), np.array([10]))
        for item in (data, changed)
    ]
    for name in ("values", "observed", "features"):
        assert torch.equal(getattr(parts[0], name), getattr(parts[1], name))
    assert not torch.equal(parts[0].targets, parts[1].targets)


def test_an_epoch_sweeps_every_window_once() -> None:
    made = windows()
    source = TrainingWindows(made, 5, 0, "swept")
    # Series a: cuts 6 to 17; series b: its only one, 6. Two channels each.
    assert source.steps_per_epoch == 6
    seen = [next(source) for _ in range(6)]
    assert sum(batch.batch_size for batch in seen) == 26
    targets = torch.cat([batch.targets for batch in seen], 1)
    assert len(torch.unique(targets, dim=1).T) == 26


@pytest.mark.parametrize("order", ["swept", "sampled"])
def test_a_source_goes_on_where_it_was(order: str) -> None:
    whole, stopped = (TrainingWindows(windows(), 4, 3, order) for _ in range(2))  # type: ignore[arg-type]
    for _ in range(9):
        next(whole)
    stopped.load_state_dict(whole.state_dict())
    for _ in range(9):
        assert torch.equal(next(whole).targets, next(stopped).targets)


def test_series_drawn_are_drawn_alike() -> None:
    source = TrainingWindows(windows(), 400, 0, "sampled")
    share = (next(source).series < 2).float().mean()
    assert 0.4 < float(share) < 0.6


def test_a_horizon_longer_than_all_series() -> None:
    made = Windows(panel(), Scaler.fit(panel(), "none"), np.arange(2), replace(REACH, horizon=20))
    with pytest.raises(InputError, match="20 training rows, but a horizon of 20 needs at least 21"):
        TrainingWindows(made, 4, 0, "swept")


def test_a_batch_is_cut_by_rows() -> None:
    batch = next(TrainingWindows(windows(), 5, 0, "swept"))
    parts = batch.split(2)
    assert [part.batch_size for part in parts] == [3, 2]
    assert torch.equal(torch.cat([part.values for part in parts], 1), batch.values)
    assert sum(part.units for part in parts) == batch.units
    assert batch.to("cpu").reset is None


def test_a_scaler_measures_each_series_and_comes_back() -> None:
    data = panel()
    scaler = Scaler.fit(data, "standard")
    np.testing.assert_allclose(scaler.location[0, 0], np.nanmean(data.values[:20, 0]))
    np.testing.assert_allclose(scaler.scale[1, 1], data.values[20:, 1].std())
    again = Scaler.from_bytes(scaler.to_bytes(), "standard")
    np.testing.assert_array_equal(again.location, scaler.location)
    location, _ = again.for_panel(data, np.array([0, -1]))
    np.testing.assert_allclose(location, scaler.location)
    location, scale = measure(replace(data, values=data.values * 0 + 4), "standard")
    assert (scale == 1).all()
    assert np.allclose(measure(data, "mean")[1][1], np.abs(data.values[20:]).mean(0))


def test_values_come_back_in_their_own_units() -> None:
    made, data = windows(), panel()
    window = one(made, 1, 0, 9)
    series, channels = np.array([1]), np.array([0])
    values = window.values.numpy().T[:, -6:, None]  # (B, T, 1)
    found = made.unscale(values, series, channels)
    np.testing.assert_allclose(found[0, :, 0], data.values[23:29, 0], rtol=1e-5)


def test_a_series_that_training_did_not_see_has_the_place_of_the_first() -> None:
    data = panel()
    made = Windows(data, Scaler.fit(data, "standard"), np.array([-1, 1]), REACH)
    assert [one(made, 0, channel, 9).series.tolist() for channel in (0, 1)] == [[0], [0]]
    assert [one(made, 1, channel, 9).series.tolist() for channel in (0, 1)] == [[2], [3]]
