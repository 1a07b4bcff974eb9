"""A forecaster answers without its run and its data; its sessions keep the contract of all."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import elman
from elman.checksums import sealed
from elman.data.given import Texts
from elman.errors import InputError
from elman.predictors.forecaster import ForecasterPredictor
from elman.predictors.predictor import load
from elman.streaming.session import Snapshot
from elman.tasks.runs import Run
from tests import series
from tests.predictors import contract

pd = pytest.importorskip("pandas")

KINDS: dict[str, dict[str, Any]] = {
    "direct": {"lags": (7,), "conformal": True},
    "segments": {"model": "segments", "segment": 7, "look_back": 14, "missing": "interpolate"},
    "autoregressive": {"model": "autoregressive", "paths": 5, "cell": "gru", "missing": "mask"},
    "calibrated paths": {"model": "autoregressive", "head": "mean", "conformal": True},
}
OPTIONS = {"alarm": 80.0, "levels": "50,90", "horizon": 2}
PAST = 130


def shops() -> Any:
    """Two series with a covariate known up to now and one known ahead."""
    table = series.long_table(140)
    return table[["date", "shop", "y", "rain", "holiday"]]


def following() -> list[dict[str, Any]]:
    """Rows after the history: both series in turns, with rows and values left out."""
    table = shops()
    late = table[(table.date >= table.date[PAST]) & table.y.notna()].sort_values(["date", "shop"])
    rows = [
        {**row, "date": str(row["date"].date()), "y": row["y"], "rain": row["rain"]}
        for row in late.to_dict("records")[:9]
    ]
    rows[3]["y"] = rows[2]["rain"] = None
    return [row for place, row in enumerate(rows) if place not in (4, 7)]


def as_text(rows: list[dict[str, Any]]) -> str:
    lines = ["shop,date,y,rain"]
    for row in rows:
        cells = (row[name] for name in ("shop", "date", "y", "rain"))
        lines.append(",".join("" if cell is None else str(cell) for cell in cells))
    return "\n".join(lines) + "\n"


ROWS = following()
TEXT = as_text(ROWS)


def train(folder: Path, **chosen: Any) -> Run:
    table = shops()
    unknown = table.date >= table.date[PAST]
    table.loc[unknown, ["y", "rain"]] = np.nan
    parts = {"series": "shop", "target": "y", "past": "rain", "future": "holiday"}
    return series.run(folder, table, **{**parts, "max_steps": 3, **chosen})


@pytest.fixture(scope="module", params=KINDS)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    return train(tmp_path_factory.mktemp("trained"), **KINDS[request.param])


@pytest.fixture(scope="module")
def predictor(trained: Run) -> ForecasterPredictor:
    assert isinstance(trained.predictor, ForecasterPredictor)
    return trained.predictor


def same(got: list[Any], wanted: list[Any]) -> None:
    assert len(got) == len(wanted)
    for one, other in zip(got, wanted, strict=True):
        assert list(one) == list(other)
        for name in one:
            if isinstance(one[name], str):
                assert one[name] == other[name]
            else:
                assert one[name] == pytest.approx(other[name], rel=1e-5, abs=1e-6, nan_ok=True)


def with_other_weights(predictor: ForecasterPredictor) -> ForecasterPredictor:
    model = copy.deepcopy(predictor.model)
    with torch.no_grad():
        next(model.parameters()).add_(1e-3)
    other = ForecasterPredictor.of(predictor.parts(), "other")
    other.model.load_state_dict(model.state_dict())
    return other


@settings(max_examples=5, deadline=None)
@given(data=st.data())
def test_any_cut_and_any_stop(predictor: ForecasterPredictor, data: st.DataObject) -> None:
    sequence = data.draw(st.sampled_from([ROWS, TEXT, TEXT.encode()]))
    contract.any_cut_and_any_stop_is_the_whole(predictor, sequence, data, same, **OPTIONS)


def test_sessions_never_touch(predictor: ForecasterPredictor) -> None:
    other = as_text([{**row, "y": 3.0} for row in ROWS])
    contract.sessions_never_touch(predictor, TEXT, other, same, **OPTIONS)
    contract.an_end_that_fails_is_an_end(predictor, TEXT, same, **OPTIONS)


@pytest.mark.parametrize("trained", ["segments", "autoregressive"], indirect=True)
def test_a_session_goes_on_in_a_new_process(predictor: ForecasterPredictor, tmp_path: Path) -> None:
    contract.goes_on_in_a_new_process(predictor, tmp_path, TEXT.encode(), 130, same, **OPTIONS)


def test_other_weights_are_refused(predictor: ForecasterPredictor) -> None:
    other = with_other_weights(predictor)
    contract.other_weights_are_refused(predictor, other, TEXT, same, **OPTIONS)


@settings(max_examples=10, deadline=None)
@given(data=st.data())
def test_damaged_snapshots(predictor: ForecasterPredictor, data: st.DataObject) -> None:
    contract.damaged_snapshots_are_refused(predictor, ROWS[:3], data, **OPTIONS)


def test_faults_of_text(predictor: ForecasterPredictor) -> None:
    contract.faults_of_text_are_kept_and_ended(predictor, TEXT.encode(), same, **OPTIONS)


def test_saved_and_loaded_is_the_same(predictor: ForecasterPredictor, tmp_path: Path) -> None:
    contract.saved_and_loaded_is_the_same(predictor, tmp_path, TEXT, same, **OPTIONS)


@pytest.mark.parametrize("calendar", [None, 0, [], {}, False, 1, "true"])
def test_a_calendar_that_is_not_that_of_its_scaler(
    predictor: ForecasterPredictor, tmp_path: Path, calendar: Any
) -> None:
    """The network would be shown other columns than it was trained on."""
    predictor.save(tmp_path / "saved")
    path = tmp_path / "saved" / "predictor.json"
    content = json.loads(path.read_bytes())
    assert content["settings"]["calendar"] is True
    content["settings"]["calendar"] = calendar
    path.write_bytes(sealed(json.dumps(content).encode()))
    with pytest.raises(InputError) as caught:
        elman.load(tmp_path / "saved")
    assert str(caught.value).startswith(str(tmp_path / "saved"))
    assert "\n" not in str(caught.value)
    if calendar is False:
        assert "scaler.safetensors is not of this predictor: future has" in str(caught.value)


def test_a_folder_forecasts_without_its_run(trained: Run, tmp_path: Path) -> None:
    wanted = list(trained.predictor.predict(levels="50,90"))
    other = list(trained.predictor.predict(shops()))
    trained.predictor.save(tmp_path / "saved")
    trained.path.rename(tmp_path / "elsewhere")
    try:
        loaded = load(tmp_path / "saved")
        assert list(loaded.predict(levels="50,90")) == wanted
        assert list(loaded.predict(shops())) == other
        assert wanted != other
    finally:
        (tmp_path / "elsewhere").rename(trained.path)


def test_what_is_kept_of_the_training_data(tmp_path: Path) -> None:
    """Last rows alone, except where a network reads all of them."""
    for model, rows in (("direct", 40), ("autoregressive", 200)):
        run = series.run(tmp_path / model, max_steps=1, model=model, paths=3)
        assert isinstance(run.predictor, ForecasterPredictor)
        assert run.predictor.history.lengths.tolist() == [rows]


def test_rows_frames_and_text_are_one(predictor: ForecasterPredictor) -> None:
    wanted = contract.answers_of(predictor.session(), [TEXT])
    frame = pd.DataFrame(ROWS)
    frame["date"] = pd.to_datetime(frame["date"])
    arrow = pytest.importorskip("pyarrow").table(frame)
    semicolons = "\ufeff" + TEXT.replace(",", ";").replace("\n", "\r\n")
    for chunks in (ROWS, [ROWS], [frame], [arrow], [semicolons], [TEXT[:-1]]):
        same(contract.answers_of(predictor.session(), chunks), wanted)


def test_a_snapshot_does_not_grow(trained: Run) -> None:
    dates = pd.date_range("2023-05-11", periods=60, freq="D")
    sizes, future = [], trained.path.parent / "ahead.csv"
    ahead = pd.concat([pd.DataFrame({"date": dates, "shop": s}) for s in ("north", "south")])
    ahead.assign(holiday=0.0).to_csv(future, index=False)
    session = trained.predictor.session(horizon=1, future=future)
    for date in dates[:25]:
        session.push({"date": date, "shop": "north", "y": 1.0, "rain": 0.0})
        sizes.append(len(session.state.to_bytes()))
    assert max(sizes[18:]) <= sizes[10]


def test_a_session_that_goes_on_takes_covariates_given_since(trained: Run) -> None:
    dates = pd.date_range("2023-05-11", periods=30, freq="D")
    future = trained.path.parent / "since.csv"
    ahead = pd.concat([pd.DataFrame({"date": dates, "shop": s}) for s in ("north", "south")])
    known = shops()[["date", "shop", "holiday"]]
    ahead = ahead[ahead.date > known.date.max()].assign(holiday=1.0)
    pd.concat([known[known.date >= dates[0]], ahead]).to_csv(future, index=False)
    rows = [{"date": date, "shop": "north", "y": 1.0, "rain": 0.0} for date in dates[:12]]
    wanted = contract.answers_of(trained.predictor.session(horizon=2, future=future), [rows])
    before = trained.predictor.session(horizon=2)
    answers = before.push(rows[:1])
    session = trained.predictor.session(horizon=2, future=future)
    session.state = before.state
    same((answers + session.push(rows[1:]))[2:], wanted[2:])


def test_a_session_goes_on_from_the_same_history_alone(trained: Run) -> None:
    other = trained.path.parent / "other.csv"
    table = shops()
    table.loc[table.date >= table.date[PAST], ["y", "rain"]] = np.nan
    table[table.date > table.date.min()].to_csv(other, index=False)
    session = trained.predictor.session(history=other)
    session.push(ROWS[:2])
    trained.predictor.session(history=other).state = session.state
    with pytest.raises(InputError, match=r"another history than this session; .* --history"):
        trained.predictor.session().state = session.state


def whole_numbers(rows: torch.Tensor) -> torch.Tensor:
    """Rows of a snapshot whose marks of what was observed are numbers."""
    arrays = safetensors.numpy.load(rows.numpy().tobytes())
    arrays["observed"] = arrays["observed"].astype(np.float32)
    return torch.frombuffer(bytearray(safetensors.numpy.save(arrays)), dtype=torch.uint8)


def test_a_snapshot_of_other_rows_is_refused(predictor: ForecasterPredictor) -> None:
    session = predictor.session()
    session.push(ROWS)
    before = session.state.to_bytes()
    snapshot = session.state
    for change in (
        {"values": {**snapshot.values, "series": ["south", "north"]}},
        {"values": {**snapshot.values, "series": ["north", "west"]}},
        {"tensors": {}},
        {"tensors": {name: tensor[:-9] for name, tensor in snapshot.tensors.items()}},
        {"tensors": {name: whole_numbers(tensor) for name, tensor in snapshot.tensors.items()}},
    ):
        parts = {**vars(snapshot), **change}
        with pytest.raises(InputError):
            session.state = Snapshot(**parts)
    assert session.state.to_bytes() == before


def test_what_cannot_be_pushed(predictor: ForecasterPredictor) -> None:
    session = predictor.session()
    good = ROWS[0]
    for rows, message in (
        ([good, {**good, "y": "much"}], "row 2: y is 'much', expected a finite number"),
        ({"date": "2023-05-12", "y": 1.0, "rain": 0.0}, "row 3: has no column shop"),
        ({**good, "shop": "west"}, "series west: is not in the history"),
        ({**good, "date": None}, "date has no time"),
        ([1, 2], "expected rows that map a column to a value, got int"),
        (3, "expected text, rows or a frame, got int"),
    ):
        with pytest.raises(InputError, match=message) as error:
            session.push(rows)
        assert "\n" not in str(error.value)
    assert session.push({**good, "date": "2023-05-15"})


def test_what_came_before_a_bad_line_is_answered(predictor: ForecasterPredictor) -> None:
    lines = TEXT.splitlines(keepends=True)
    session = predictor.session(horizon=1)
    with pytest.raises(InputError, match=r"standard input:4: ") as error:
        session.push("".join([*lines[:3], "north,someday,1,2\n", *lines[3:5]]))
    assert len(error.value.answers) == 2
    assert len(session.push("")) == 2


def test_what_is_no_table(predictor: ForecasterPredictor) -> None:
    with pytest.raises(InputError, match="not a table of time series"):
        predictor.predict(["some text", "more"])
    with pytest.raises(InputError, match="not a table of time series"):
        predictor.predict(Texts(["2023-01-01,3"]))


def test_intervals_that_are_not_calibrated_yet(tmp_path: Path) -> None:
    run = train(tmp_path, conformal=True)
    header = run.path / "predictor" / "predictor.json"
    content = json.loads(header.read_text())
    del content["files"]["conformal.json"]
    header.write_bytes(sealed(json.dumps(content).encode()))
    with pytest.raises(InputError, match=r"not calibrated yet.*go on with `elman resume"):
        load(run.path).predict()
