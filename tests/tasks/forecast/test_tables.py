"""All forecasts of a backtest as a table, and the scores of each series."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.errors import InputError
from elman.tasks.runs import Run
from tests import series

pd = pytest.importorskip("pandas")


@pytest.fixture(scope="module")
def table() -> Any:
    """Two shops with two targets; the key of a shop has two columns."""
    long = series.long_table(80).drop(columns=["holiday", "rain", "size"]).dropna()
    return long.assign(z=long.y * 1e-7, part=1)


@pytest.fixture(scope="module")
def run(table: Any, tmp_path_factory: pytest.TempPathFactory) -> Run:
    folder = tmp_path_factory.mktemp("tables")
    return series.run(folder, table, max_steps=1, series="shop,part", target="y,z")


READ: dict[str, Any] = {
    ".csv": pd.read_csv,
    ".tsv": lambda path: pd.read_csv(path, sep="\t"),
    ".jsonl": lambda path: pd.DataFrame(map(json.loads, path.read_text().splitlines())),
    ".parquet": pd.read_parquet,
}


@pytest.mark.parametrize("suffix", READ)
def test_forecasts_stand_beside_what_came(
    run: Run, table: Any, tmp_path: Path, suffix: str
) -> None:
    path = tmp_path / f"forecasts{suffix}"
    report = run.report(origins=2, forecasts=path)
    frame = READ[suffix](path)
    names = ["shop", "part", "target", "forecast_origin", "date", "step", "actual", "mean"]
    assert list(frame)[:8] == names
    assert {"q0.025", "q0.5", "q0.95"} < set(frame)
    assert len(frame) == 2 * 2 * 2 * 3  # shops, targets, origins, steps
    kept = report.forecasts.to_frame() if report.forecasts is not None else None
    np.testing.assert_allclose(kept["q0.1"], frame["q0.1"], rtol=1e-14)
    long = table.melt(["date", "shop"], ["y", "z"], "target", "actual")
    long = long.assign(date=long.date.astype(str).str[:10])
    both = frame.merge(long, on=["date", "shop", "target"])
    assert len(both) == len(frame)
    np.testing.assert_array_equal(both["actual_x"], both["actual_y"])


def test_a_forecast_is_that_of_a_table_that_ends_at_its_origin(run: Run, table: Any) -> None:
    report = run.report(origins=2, quantile_levels="0.01,0.5")
    assert report.forecasts is not None
    frame = report.forecasts.to_frame()
    assert {"q0.01", "q0.5", "q0.9"} < set(frame)
    for origin, rows in frame.groupby("forecast_origin"):
        known = table[table.date <= origin]
        fresh = run.predictor.predict(known, levels="80").to_frame()
        keys = ["shop", "target", "date"]
        both = rows.assign(date=pd.to_datetime(rows.date)).merge(fresh, on=keys)
        assert len(both) == 12
        np.testing.assert_allclose(both["mean_x"], both["mean_y"], rtol=1e-5)
        np.testing.assert_allclose(both["q0.1_x"], both["q0.1_y"], rtol=1e-5)


def test_scores_of_each_series(run: Run, tmp_path: Path) -> None:
    report = run.report(origins=3, per_series=tmp_path / "scores.csv")
    frame = pd.read_csv(tmp_path / "scores.csv")
    assert list(frame)[:5] == ["shop", "part", "target", "model", "scored_values"]
    own = frame[frame.model == "the network"]
    assert len(own) == 4
    assert set(own.scored_values) == {9}
    whole = {score.metric: score.value for score in report.scores}
    assert own["MASE"].mean() == pytest.approx(whole["MASE"])
    naive = frame[frame.model == "naive"]
    assert naive["seasonal MASE"].mean() == pytest.approx(whole["seasonal MASE, naive"])


def test_scores_of_each_step(run: Run, tmp_path: Path) -> None:
    report = run.report(origins=3, by_step=tmp_path / "steps.csv")
    frame = pd.read_csv(tmp_path / "steps.csv")
    assert list(frame)[:2] == ["model", "step"]
    own = frame[frame.model == "the network"]
    assert own.step.tolist() == [1, 2, 3]
    whole = {score.metric: score.value for score in report.scores}
    assert own["MASE"].mean() == pytest.approx(whole["MASE"])


def test_a_table_is_there_whole_or_not_at_all(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for flag in ("forecasts", "per_series", "by_step"):
        name = f"--{flag.replace('_', '-')}"
        with pytest.raises(InputError, match=rf"{name} .*: give a name that ends in \.csv"):
            run.report(**{flag: tmp_path / "a.xls"})
        with pytest.raises(InputError, match=rf"{name} .*there is no folder"):
            run.report(**{flag: tmp_path / "no" / "a.csv"})
    with pytest.raises(InputError, match="quantile-levels"):
        run.report(quantile_levels="ten")

    def fails(*_: Any, **__: Any) -> None:
        raise OSError("the disk is full")

    monkeypatch.setattr(pd.DataFrame, "to_csv", fails)
    with pytest.raises(OSError, match="full"):
        run.report(origins=1, forecasts=tmp_path / "a.csv")
    assert not list(tmp_path.iterdir())


@pytest.mark.fault(32)
def test_a_head_of_one_number_has_no_intervals(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    run = series.run(tmp_path, max_steps=1, head="median")
    report = run.report(origins=6, plot=tmp_path / "a.svg")
    assert report.forecasts is not None
    assert not [name for name in report.forecasts.to_frame() if str(name).startswith("q")]
    names = " ".join(score.metric for score in report.scores)
    assert "coverage" not in names
    assert "CRPS" not in names
    assert "coverage" not in (tmp_path / "a.svg").read_text()
    run.predictor.predict(plot=tmp_path / "fan.svg")
    assert "95 %" not in (tmp_path / "fan.svg").read_text()
    calibrated = series.run(tmp_path / "b", max_steps=1, head="median", conformal=True)
    assert "coverage of 80 %" in [score.metric for score in calibrated.report(origins=6).scores]
