"""The task: it learns, is killed and resumed, streams what it predicts, and says what is wrong."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from elman.errors import InputError
from elman.predictors.predictor import load
from elman.settings import configure
from elman.tasks import runs
from elman.tasks.forecast.config import ForecastConfig
from elman.tasks.runs import Run
from tests import series

pd = pytest.importorskip("pandas")

KINDS: dict[str, dict[str, Any]] = {
    "direct": {},
    "autoregressive": {"model": "autoregressive", "paths": 20, "cell": "gru"},
    "segments": {"model": "segments", "segment": 7, "look_back": 14, "cell": "gru"},
}


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return series.run(tmp_path_factory.mktemp("trained"), **KINDS[request.param])


def rows(text: str, run: Run, **options: Any) -> list[dict[str, Any]]:
    front = run.predictor.session(**options)
    return [*front.push(text), *front.flush()]


def as_lines(frame: Any) -> str:
    return str(frame.to_csv(index=False))


def test_it_learns_a_season_and_says_so(tmp_path: Path) -> None:
    run = series.run(tmp_path, max_steps=200, eval_every=50, learning_rate=0.02)
    report = run.report(origins=10)
    assert report.verdict[0].startswith("better than naive")
    assert any("no leakage" in line for line in report.verdict)
    scores = {score.metric: score.value for score in report.scores}
    assert scores["MASE"] < 0.5 * scores["MASE, naive"]
    assert 30 < scores["coverage of 80 %"] <= 100


def test_predictions_go_on_where_the_data_end(trained: Run) -> None:
    found = list(trained.predictor.predict(levels="50,90"))
    assert [row["date"] for row in found] == list(pd.date_range("2023-07-20", periods=3))
    assert list(found[0]) == [
        "unique_id",
        "date",
        "mean",
        "q0.05",
        "q0.25",
        "q0.5",
        "q0.75",
        "q0.95",
    ]
    spread = [[row[name] for name in list(row)[3:]] for row in found]
    assert (np.diff(spread) >= 0).all()


def test_a_stream_says_what_a_fresh_run_over_all_rows_says(trained: Run) -> None:
    table = series.table(rows=208)
    streamed = rows(as_lines(table[200:]), trained, horizon=3)
    assert len(streamed) == 8 * 3
    for end in (201, 205, 208):
        fresh = list(trained.predictor.predict(table[:end]))
        own = [row for row in streamed if row["cutoff"] == str(table.date[end - 1])[:10]]
        for expected, row in zip(fresh, own, strict=True):
            assert pd.Timestamp(row["date"]) == expected["date"]
            for name in ("mean", "q0.1", "q0.975"):
                assert row[name] == pytest.approx(expected[name], rel=1e-4)


def test_a_row_that_is_left_out_is_filled_as_in_training(trained: Run) -> None:
    table = series.table(rows=204)
    gone = table.drop(index=[201, 202])
    streamed = rows(as_lines(gone[200:]), trained)[-3:]
    fresh = list(trained.predictor.predict(gone))
    assert [row["mean"] for row in streamed] == pytest.approx([r["mean"] for r in fresh], rel=1e-4)


def test_the_hour_that_comes_twice_is_streamed_twice(tmp_path: Path) -> None:
    hours = pd.date_range("2024-10-22", periods=150, freq="h", tz="Europe/Berlin")
    wall = hours.tz_localize(None).strftime("%Y-%m-%d %H:%M")
    table = pd.DataFrame({"date": wall, "y": np.arange(150) % 24})
    night = int(wall.duplicated().argmax()) - 1
    data = tmp_path / "hours.csv"
    table[:night].to_csv(data, index=False)
    run = series.run(tmp_path, data, time_zone="Europe/Berlin", max_steps=2, eval_every=2)
    streamed = rows(as_lines(table[night:]), run, horizon=1)
    assert len(streamed) == 150 - night
    cutoffs = [row["cutoff"] for row in streamed]
    assert len(set(cutoffs)) == len(cutoffs)


def test_text_in_pieces_and_rows_that_alarm(trained: Run) -> None:
    text = as_lines(series.table(rows=202)[200:]).rstrip() + "\n2023-07-22,1000\n2023-07-23,\n"
    front = trained.predictor.session(alarm=99.0, horizon=1)
    found = [record for letter in text for record in front.push(letter)]
    assert [row["last"] for row in found][-2] == 1000
    assert [row["alarm"] for row in found][-2:] == [1, 0]


def test_resumed_is_uninterrupted(tmp_path: Path) -> None:
    whole = series.run(tmp_path / "a")
    stopped = series.run(tmp_path / "b", max_minutes=1e-9)
    assert stopped.directory.all_checkpoints()[-1] == stopped.directory.checkpoint_path(1)
    resumed = runs.resume(stopped.path, max_minutes=100.0)
    for name, tensor in whole.predictor.network.state_dict().items():
        assert torch.equal(tensor, resumed.predictor.network.state_dict()[name]), name


@pytest.mark.parametrize("kind", KINDS)
def test_a_forecast_does_not_know_the_future(tmp_path: Path, kind: str) -> None:
    table = series.table()
    other = table.copy()
    other.loc[190:, "y"] = 1e5
    weights = []
    for name, data in (("a", table), ("b", other)):
        run = series.run(tmp_path / name, data, max_steps=5, **KINDS[kind])
        weights.append(run)
        assert int(run.task.split.valid[0]) == 180
    first, second = (list(run.predictor.predict(table[:180])) for run in weights)
    assert first == second


def test_many_series_with_covariates_of_every_kind(tmp_path: Path) -> None:
    table = series.long_table()
    options = {"static": "size", "past": "rain", "future": "holiday", "series": "shop"}
    run = series.run(tmp_path, table, **options, series_embedding=3, conformal=True)
    ended = list(run.predictor.predict())
    assert {row["shop"] for row in ended} == {"north", "south"}
    assert len(ended) == 6
    assert run.report(origins=3).scores
    short = table[table.date < "2023-06-01"]
    with pytest.raises(InputError, match=r"series north: the covariates known ahead \(holiday\)"):
        list(run.predictor.predict(short[short.date < "2023-05-30"].dropna()))
    ahead = tmp_path / "ahead.csv"
    table[["date", "shop", "holiday"]].to_csv(ahead, index=False)
    assert len(list(run.predictor.predict(short.dropna(), future=ahead))) == 6


def test_a_series_that_training_did_not_know(tmp_path: Path) -> None:
    table = series.long_table().drop(columns=["holiday", "rain", "size"]).dropna()
    new = table.assign(shop="west")
    blind = series.run(tmp_path / "a", table, series="shop")
    assert {
        row["shop"] for row in blind.predictor.predict(new[new.date < "2023-04-01"].iloc[:80])
    } == {"west"}
    knowing = series.run(tmp_path / "b", table, series="shop", series_embedding=2)
    with pytest.raises(InputError, match="series west: was not among those of training"):
        list(knowing.predictor.predict(new.iloc[:80]))


@pytest.mark.parametrize(
    "settings",
    [
        {"head": "gaussian", "normalization": "revin", "num_layers": 2, "dropout": 0.2},
        {"head": "mean", "conformal": True},
        {"head": "median", "model": "segments", "normalization": "revin"},
        {"model": "autoregressive", "head": "quantile", "paths": 10, "lags": (7,)},
        {"model": "autoregressive", "head": "mean", "scaling": "mean", "order": "sampled"},
        {"missing": "mask", "calendar": False, "scaling": "none", "accumulate": 2},
    ],
    ids=lambda settings: "-".join(str(value) for value in settings.values()),
)
def test_every_option_trains(tmp_path: Path, settings: dict[str, Any]) -> None:
    run = series.run(tmp_path, max_steps=2, **settings)
    scores = {score.metric: score.value for score in run.evaluate(origins=2)}
    assert np.isfinite(scores["MAE"])
    point = settings.get("head") in ("mean", "median") and not settings.get("conformal")
    assert ("q0.1" in next(iter(run.predictor.predict()))) != point


def test_counts(tmp_path: Path) -> None:
    counts = series.table().assign(y=lambda t: t.y.round().clip(lower=0))
    run = series.run(
        tmp_path / "a", counts, head="negative-binomial", model="autoregressive", paths=9
    )
    assert all(row["q0.025"] >= 0 for row in run.predictor.predict())
    with pytest.raises(InputError, match="head negative-binomial is for counts"):
        series.run(tmp_path / "b", head="negative-binomial")


def test_a_cell_of_ones_own(tmp_path: Path) -> None:
    cell = "tests.models.networks:Leaky"
    run = series.run(tmp_path, cell=cell, model="autoregressive", paths=9)
    again = load(run.path, cell=cell)
    assert list(again.predict()) == list(run.predictor.predict())
    with pytest.raises(InputError, match=f"give --cell {cell}"):
        load(run.path)


def test_refitting_at_each_cut(tmp_path: Path) -> None:
    """What is scored at a cut is what a run on the rows before it forecasts."""
    table = series.table()
    run = series.run(tmp_path / "a", table, conformal=True)
    (found,) = (score for score in run.evaluate(origins=1, refit=True) if score.metric == "MAE")
    known = series.run(tmp_path / "b", table[:-3], test_rows=0, conformal=True)
    ahead = np.array([row["q0.5"] for row in known.predictor.predict()])
    assert found.value == pytest.approx(np.abs(ahead - table.y[-3:]).mean(), rel=1e-6)
    (kept,) = (score for score in run.evaluate(origins=1) if score.metric == "MAE")
    assert kept.value != pytest.approx(found.value, rel=1e-3)


def test_a_figure_that_cannot_be_drawn_is_refused_before_the_backtest(
    trained: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(trained.task), "_backtest", None)
    with pytest.raises(InputError, match=r"errors.gif: the name of a figure must end in"):
        trained.report(plot=Path("errors.gif"))


def test_the_gap_is_within_what_the_network_looks_ahead(trained: Run) -> None:
    if trained.task.config.model == "autoregressive":
        assert trained.report(origins=2, gap=4).scores
        return
    assert "forecasts of 2 steps after a gap of 1" in " ".join(
        trained.report(origins=2, gap=1).verdict
    )
    with pytest.raises(InputError, match="--gap 3: this run looks 3 rows ahead"):
        trained.report(gap=3)
    with pytest.raises(
        InputError, match="--horizon 4: this network was trained to look 3 rows ahead"
    ):
        list(trained.predictor.predict(horizon=4))


def test_damaged_files(tmp_path: Path) -> None:
    run = series.run(tmp_path, max_steps=1)
    path = run.path / "data" / "columns.json"
    kept = path.read_text()
    path.write_text(json.dumps({**json.loads(kept), "columns": {"target": 3}}))
    with pytest.raises(InputError, match=r"columns.json: is damaged"):
        Run(run.path)
    path.write_text(kept)
    history = run.path / "predictor" / "history.safetensors"
    history.write_bytes(history.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"history.safetensors: is damaged"):
        Run(run.path)


def test_flags_of_truncation_are_not_offered() -> None:
    with pytest.raises(InputError, match="--random-truncation: no such setting"):
        configure(ForecastConfig, {"horizon": 3, "random_truncation": True})
