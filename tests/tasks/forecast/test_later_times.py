"""Tables that come after training are read as the run's own was, though alone they would not be."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from elman.data.series.dataset import read_panel
from elman.errors import InputError
from elman.tasks.runs import Run
from tests import series

pd = pytest.importorskip("pandas")

BEFORE = pd.date_range("2024-09-01", "2024-12-31")
AFTER = pd.date_range("2025-01-01", periods=12)
"""Twelve days of January, which read month first are twelve months."""


def text(days: Any, form: str = "%d.%m.%Y", **columns: Any) -> str:
    y = 20 + np.arange(len(days)) % 7
    return str(pd.DataFrame({"ds": days.strftime(form), "y": y, **columns}).to_csv(index=False))


def table(folder: Path, content: str, name: str = "later.csv") -> Path:
    path = folder / name
    path.write_text(content)
    return path


def trained(folder: Path, content: str, **settings: Any) -> Run:
    return series.run(
        folder, table(folder, content, "history.csv"), max_steps=1, eval_every=1, **settings
    )


@pytest.fixture(scope="module", params=["%d.%m.%Y", "%d/%m/%Y", "%d-%m-%y"])
def form(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def run(form: str, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return trained(tmp_path_factory.mktemp("run"), text(BEFORE, form))


@pytest.mark.fault(1)
def test_a_stream_of_days_goes_on_with_days(run: Run, form: str) -> None:
    session = run.predictor.session(horizon=1)

    found = [record for line in text(AFTER, form).splitlines(True) for record in session.push(line)]

    assert [row["cutoff"] for row in found] == [str(day.date()) for day in AFTER]
    assert found[-1]["ds"] == "2025-01-13"


@pytest.mark.fault(1)
def test_a_prediction_goes_on_where_the_table_ends(run: Run, form: str, tmp_path: Path) -> None:
    later = table(tmp_path, text(AFTER, form))

    assert [str(row["ds"].date()) for row in run.predictor.predict(later)] == [
        "2025-01-13",
        "2025-01-14",
        "2025-01-15",
    ]
    session = Run(run.path).predictor.session(history=later, horizon=1)
    row = AFTER[-1:] + pd.Timedelta("1D")
    assert [*session.push(text(row, form)), *session.flush()][0]["cutoff"] == "2025-01-13"


@pytest.mark.fault(1)
def test_an_evaluation_reads_the_same_rows(run: Run, form: str, tmp_path: Path) -> None:
    columns = run.predictor.columns
    days = BEFORE[-40:].append(AFTER)
    later = table(tmp_path, text(days, form))

    assert read_panel(later, columns).panel.starts[0] == np.datetime64("2024-11-22")
    same = table(tmp_path, text(days, "%Y-%m-%d"), "same.csv")
    assert [each.value for each in run.evaluate(later)] == [
        each.value for each in run.evaluate(same)
    ]


@pytest.mark.fault(1)
def test_covariates_known_ahead_are_read_the_same(tmp_path: Path) -> None:
    holiday = {"holiday": np.arange(len(BEFORE)) % 7 == 3}
    run = trained(tmp_path, text(BEFORE, holiday=holiday["holiday"].astype(int)), future="holiday")
    ahead = pd.DataFrame({"ds": AFTER.strftime("%d.%m.%Y"), "holiday": 0})
    ahead.to_csv(tmp_path / "ahead.csv", index=False)

    found = list(run.predictor.predict(future=tmp_path / "ahead.csv"))

    assert [str(row["ds"].date()) for row in found] == ["2025-01-01", "2025-01-02", "2025-01-03"]


@pytest.mark.fault(1)
@pytest.mark.parametrize("word", ["2025-13-01", "13/31/2025", "01.13.2025", "202501", "soon"])
def test_a_row_written_otherwise_is_refused_by_its_place(run: Run, word: str) -> None:
    with pytest.raises(InputError, match=r"standard input:2: ds is .* not a time written day"):
        list(run.predictor.session().push(f"ds,y\n{word},3\n"))


@pytest.mark.fault(2)
@pytest.mark.remedy
@pytest.mark.parametrize(("flag", "next_day"), [("day-first", "2025-01-13"), ("month-first", None)])
def test_the_answer_to_the_question_is_kept(
    flag: str, next_day: str | None, tmp_path: Path
) -> None:
    content = text(AFTER, "%d/%m/%Y")
    settings = {"horizon": 1, "look_back": 3, "valid_rows": 1, "test_rows": 1}
    with pytest.raises(InputError, match=f"--dates {flag}"):
        trained(tmp_path, content, **settings)

    run = trained(tmp_path, content, dates=flag, **settings)

    assert Run(run.path).predictor.columns.times.kind.startswith(flag.partition("-")[0])
    first = next(iter(run.predictor.predict()))["ds"]
    assert str(first.date()) == (next_day or "2026-01-01")


@pytest.mark.fault(9)
@pytest.mark.parametrize(
    ("words", "later", "next_one"),
    [
        (
            [f"{year}{week:02d}" for year in (2021, 2022) for week in range(1, 53)],
            "202301",
            "2023-01-09",
        ),
        ([f"{t:%Y%m%d%H}" for t in pd.date_range("2024-01-01", periods=99, freq="h")],
         "2024010503", "2024-01-05 04:00:00"),
        ([f"{t:%b %Y}" for t in pd.date_range("2016-01-01", periods=99, freq="MS")],
         "Apr 2024", "2024-05-01"),
        ([f"{t:%Y-%m-15}" for t in pd.date_range("2016-01-01", periods=99, freq="MS")],
         "2024-04-15", "2024-05-15"),
    ],
)  # fmt: skip
def test_numbers_and_names_that_are_dates(
    words: list[str], later: str, next_one: str, tmp_path: Path
) -> None:
    lines = "".join(f"{word},{20 + place % 7}\n" for place, word in enumerate(words))
    run = trained(tmp_path, f"when,y\n{lines}", time="when")

    session = run.predictor.session(horizon=1)
    found = [*session.push(f"when,y\n{later},3\n"), *session.flush()]

    assert [row["when"] for row in found] == [next_one]


@pytest.mark.fault(24)
def test_instants_in_utc_are_streamed_into_their_zone(tmp_path: Path) -> None:
    hours = pd.date_range("2024-01-10", periods=120, freq="h")
    form = "%Y-%m-%d %H:%M:%S UTC"
    run = trained(tmp_path, text(hours[:100], form), time_zone="Europe/Berlin")

    session = run.predictor.session(horizon=1)
    found = [*session.push(text(hours[100:101], form)), *session.flush()]

    assert found[0]["cutoff"] == "2024-01-14 05:00:00+01:00"
    with pytest.raises(InputError, match="has none, but the times the run was trained on"):
        list(session.push(text(hours[101:102], "%Y-%m-%d %H:%M:%S")))


@pytest.mark.fault(30)
def test_a_date_beside_a_time_of_day(tmp_path: Path) -> None:
    hours = pd.date_range("2022-01-03", periods=144, freq="h")

    def lines(times: Any, hour: str) -> str:
        rows = (f"{t:%d/%m/%Y};{t.strftime(hour)};{20 + t.hour}" for t in times)
        return "Date;Time;kW\n" + "".join(f"{row}\n" for row in rows)

    for place, hour in enumerate(("%H:%M:%S", "%H.%M.%S", "%I:%M %p")):
        folder = tmp_path / str(place)
        folder.mkdir()
        run = trained(folder, lines(hours, hour))

        assert run.predictor.columns.time == ("Date", "Time")
        assert run.predictor.history.times(0)[-1] == np.datetime64("2022-01-08T23")
        session = run.predictor.session(horizon=1)
        after = hours[-1:] + pd.Timedelta("1h")
        found = [*session.push(lines(after, hour)), *session.flush()]
        assert (found[0]["Date"], found[0]["Time"]) == ("2022-01-09", "01:00:00")
