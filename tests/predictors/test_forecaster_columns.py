"""Forecasts of tables of many kinds: keys of several columns, names that collide, no times."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.errors import InputError
from elman.tasks.runs import Run
from tests import series

pd = pytest.importorskip("pandas")

ROWS = 60
VALUES = np.tile([20.0, 26.25, 27.8, 23.47, 16.53, 12.2, 13.75], 10)[:ROWS]
DAYS = pd.date_range("2024-01-01", periods=ROWS)


def frame(**more: Any) -> Any:
    return pd.DataFrame({"ds": DAYS, "y": VALUES, **more})


def train(folder: Path, table: Any, **settings: Any) -> Run:
    return series.run(folder, table, **{"max_steps": 1, "horizon": 2, **settings})


def rows(run: Run, *inputs: Any, **options: Any) -> list[dict[str, Any]]:
    return list(run.predictor.predict(*inputs, **options))


@pytest.mark.fault(35)
def test_keys_stand_in_columns_of_their_own(tmp_path: Path) -> None:
    parts = [frame(region=region, item=item) for region in ("a/b", "c") for item in ("1", "01")]
    run = train(tmp_path, pd.concat(parts), series="region,item", target="y")

    found = rows(run, horizon=1)

    assert [(row["region"], row["item"]) for row in found] == [
        ("a/b", "1"),
        ("a/b", "01"),
        ("c", "1"),
        ("c", "01"),
    ]
    assert list(found[0])[:3] == ["region", "item", "ds"]
    session = run.predictor.session(horizon=1)
    answers = session.push("item,region,ds,y\n01,c,2024-03-01,20\n")
    assert (answers[0]["region"], answers[0]["item"]) == ("c", "01")
    with pytest.raises(InputError, match=r"series c/2: is not in the history"):
        session.push("2,c,2024-03-02,20\n")


@pytest.mark.fault(19)
@pytest.mark.parametrize("time", ["mean", "target", "q0.1", "last", "unique_id", "forecast_mean"])
def test_a_forecast_never_hides_the_times(tmp_path: Path, time: str) -> None:
    run = train(tmp_path, frame().rename(columns={"ds": time}), time=time, target="y")

    (row,) = rows(run, horizon=1)
    (live,) = run.predictor.session(horizon=1).push({time: "2024-03-01", "y": 20.0})

    assert row[time] == pd.Timestamp("2024-03-01")
    assert live[time] == "2024-03-02"
    mean = "forecast_mean" if time == "mean" else "mean"
    low = "forecast_q0.1" if time == "q0.1" else "q0.1"
    for found in (row, live):
        assert isinstance(found[mean], float)
        assert found[low] < found["q0.9"]
    assert live["forecast_last" if time == "last" else "last"] == 20.0
    assert row["forecast_unique_id" if time == "unique_id" else "unique_id"] == "y"


@pytest.mark.fault(19)
def test_a_forecast_never_hides_the_series(tmp_path: Path) -> None:
    parts = [frame(target=name, z=VALUES[::-1]) for name in ("a", "b")]
    run = train(tmp_path, pd.concat(parts), series="target", target="y,z")

    found = rows(run, horizon=1)

    assert [row["target"] for row in found] == ["a", "a", "b", "b"]
    assert [row["forecast_target"] for row in found] == ["y", "z", "y", "z"]


@pytest.mark.fault(30)
def test_date_and_time_of_day_stay_two_columns(tmp_path: Path) -> None:
    stamps = pd.date_range("2024-01-01", periods=ROWS, freq="h")
    table = pd.DataFrame(
        {"Date": stamps.strftime("%d/%m/%Y"), "Time": stamps.strftime("%H:%M"), "kW": VALUES}
    )
    run = train(tmp_path, table)

    (row,) = rows(run, horizon=1)
    (live,) = run.predictor.session(horizon=1).push("Date,Time,kW\n03/01/2024,12:00,20\n")

    assert (row["Date"], row["Time"]) == ("2024-01-03", "12:00:00")
    assert (live["Date"], live["Time"]) == ("2024-01-03", "13:00:00")


def test_counted_steps_go_on_counting(tmp_path: Path) -> None:
    run = train(tmp_path, VALUES.tolist())

    assert [row["step"] for row in rows(run)] == [ROWS, ROWS + 1]
    session = run.predictor.session(horizon=1)
    assert [row["step"] for row in session.push("value\n20\n21\n")] == [ROWS + 1, ROWS + 2]
    whole = rows(run, [*VALUES.tolist(), 20.0, 21.0], horizon=1)
    live = run.predictor.session(horizon=1).push("value\n20\n21\n")[-1]
    assert whole[0]["mean"] == pytest.approx(live["mean"], rel=1e-5)


def test_a_table_without_a_header_is_streamed_without_one(tmp_path: Path) -> None:
    path = tmp_path / "data.csv"
    lines = [f"{day:%Y-%m-%d},{value}\n" for day, value in zip(DAYS, VALUES, strict=True)]
    path.write_text("".join(lines))
    run = train(tmp_path, path)

    answers = run.predictor.session(horizon=1).push("2024-03-01,20\n2024-03-02,21\n")

    assert [row["last"] for row in answers] == [20, 21]
    with pytest.raises(InputError, match=r"holds names .* leave this line out"):
        run.predictor.session(horizon=1).push("ds,y\n2024-03-01,20\n")


def test_one_series_a_row_is_predicted_evaluated_and_streamed(tmp_path: Path) -> None:
    path = tmp_path / "wide.csv"
    header = ",".join(["V1", *(f"V{n + 2}" for n in range(ROWS))])
    cells = ",".join(map(str, VALUES))
    path.write_text(f"{header}\nH1,{cells}\nH2,{cells.replace('.', '5.')}\n")
    run = train(tmp_path, path)

    found = rows(run, horizon=1)
    again = rows(run, path, horizon=1)
    (live,) = run.predictor.session(horizon=1).push("V1,value\nH2,255\n")

    assert [(row["V1"], row["step"]) for row in found] == [("H1", ROWS), ("H2", ROWS)]
    assert again == found
    assert (live["V1"], live["step"]) == ("H2", ROWS + 1)
    assert run.report().scores


SKIES = np.array(["sun", "rain", "", "sun", "snow"] * 12)


@pytest.mark.fault(15)
@pytest.mark.parametrize("empty", ["", None])
@pytest.mark.parametrize("seen", [True, False])
def test_an_empty_category_is_the_same_in_a_stream(
    tmp_path: Path, empty: str | None, seen: bool
) -> None:
    sky = SKIES if seen else np.where(SKIES == "", "fog", SKIES)
    run = train(tmp_path, frame(sky=sky), past="sky", max_steps=5)
    later = pd.DataFrame(
        {"ds": ["2024-03-01", "2024-03-02"], "y": [20.0, 21.0], "sky": ["sun", empty]}
    )

    (whole,) = rows(
        run,
        pd.concat(
            [frame(sky=sky), later.assign(ds=DAYS[-1:].union(pd.DatetimeIndex(later["ds"]))[1:])]
        ),
        horizon=1,
    )
    live = run.predictor.session(horizon=1).push(later.to_dict("records"))[-1]
    sunny = run.predictor.session(horizon=1).push(later.assign(sky="sun").to_dict("records"))[-1]

    assert live["mean"] == pytest.approx(whole["mean"], rel=1e-5)
    assert abs(live["mean"] - sunny["mean"]) > 1e-4


@pytest.mark.fault(25)
@pytest.mark.parametrize("missing", ["forward", "zero", "mask"])
@pytest.mark.parametrize("model", ["direct", "autoregressive"])
def test_a_long_gap_is_filled_at_once(tmp_path: Path, model: str, missing: str) -> None:
    run = train(tmp_path, frame(), model=model, missing=missing, paths=5, cell="gru")
    day = DAYS[-1] + pd.Timedelta(days=300)
    later = pd.DataFrame({"ds": [day], "y": [20.0]})

    (whole,) = rows(run, pd.concat([frame(), later]), horizon=1)
    (live,) = run.predictor.session(horizon=1).push({"ds": str(day.date()), "y": 20.0})

    assert pd.Timestamp(live["ds"]) == whole["ds"]
    assert live["mean"] == pytest.approx(whole["mean"], rel=1e-4)


@pytest.mark.fault(25)
def test_a_gap_beyond_the_bound_is_refused(tmp_path: Path) -> None:
    session = train(tmp_path, frame()).predictor.session(horizon=1)
    expected = DAYS[-1] + pd.Timedelta(days=1)
    late = expected + pd.Timedelta(days=10_001)

    said = (
        rf"{late.date()} comes 10,001 rows after {expected.date()}, which is expected next,"
        " and at most 10,000 are filled.*--history"
    )
    with pytest.raises(InputError, match=said):
        session.push({"ds": str(late.date()), "y": 20.0})


@pytest.mark.parametrize(
    "change",
    [
        lambda settings: settings["form"].update(look_back=0),
        lambda settings: settings["form"].update(look_back=-3),
        lambda settings: settings["form"].update(horizon=0),
        lambda settings: settings.update(series=["y", "y"]),
        lambda settings: settings.update(series=[]),
        lambda settings: settings["columns"].update(target=[]),
        lambda settings: settings["columns"].update(time=[]),
        lambda settings: settings["columns"].update(target=["a", "b"]),
        lambda settings: settings.update(paths=0),
        lambda settings: settings.update(scaling="x"),
        lambda settings: settings.update(scaling=["mean"]),
    ],
)
def test_settings_that_were_edited(tmp_path: Path, change: Any) -> None:
    predictor = train(tmp_path, frame()).predictor
    parts = predictor.parts()
    change(parts.settings)

    with pytest.raises(InputError) as error:
        type(predictor).of(parts, "edited")

    assert "\n" not in str(error.value)


def test_times_of_day_without_leading_zeros_in_a_stream(tmp_path: Path) -> None:
    stamps = pd.date_range("2024-01-01", periods=48, freq="10min")
    clocks = [int(stamp.strftime("%H%M")) for stamp in stamps]
    table = pd.DataFrame({"Date": stamps.strftime("%Y-%m-%d"), "Time": clocks, "kW": VALUES[:48]})
    run = train(tmp_path, table)

    answers = run.predictor.session(horizon=1).push(
        [{"Date": "2024-01-01", "Time": clock, "kW": 20.0} for clock in ("0800", 810, "08:20")]
    )
    assert [row["cutoff"] for row in answers] == [
        f"2024-01-01 08:{minute}:00" for minute in ("00", "10", "20")
    ]
    # 10 is ten past midnight as in training, not ten o'clock.
    with pytest.raises(InputError, match="is off the grid of rows or before"):
        run.predictor.session(horizon=1).push({"Date": "2024-01-01", "Time": "10", "kW": 20.0})
    (later,) = run.predictor.session(horizon=1).push({"Date": "2024-01-02", "Time": 10, "kW": 20.0})
    assert later["cutoff"] == "2024-01-02 00:10:00"


@pytest.mark.parametrize("first", ["sep=;\n", "\ufeffsep=;\r\n"])
def test_a_stream_that_begins_with_its_delimiter(tmp_path: Path, first: str) -> None:
    run = train(tmp_path, frame())

    answers = run.predictor.session(horizon=1).push(f"{first}ds;y\n2024-03-01;20.5\n")

    assert [(row["cutoff"], row["last"]) for row in answers] == [("2024-03-01", 20.5)]


@pytest.mark.remedy
def test_a_stream_that_begins_with_names_of_two_levels(tmp_path: Path) -> None:
    path = tmp_path / "prices.csv"
    lines = [f"{day:%Y-%m-%d},{value},7\n" for day, value in zip(DAYS, VALUES, strict=True)]
    head = "Price,Close,Volume\nTicker,AAPL,AAPL\nDate,,\n"
    path.write_text(head + "".join(lines))
    run = train(tmp_path, path, target="Close")

    with pytest.raises(InputError, match=r"input:1: has no column Date; expected Date, Close") as e:
        run.predictor.session(horizon=1).push(f"{head}2024-03-01,20.5,7\n")
    assert "\n" not in str(e.value)
    answers = run.predictor.session(horizon=1).push("Date,Close\n2024-03-01,20.5\n")
    assert answers[0]["last"] == 20.5
