"""Categories of covariates: an empty one is one too."""

import pandas as pd
import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel, with_future
from tests.data.series.refusing import refused

DAYS = pd.date_range("2024-01-01", periods=5)


def frame(events, values=(1.0, 2, 4, 3, 5)):
    return pd.DataFrame({"ds": DAYS[: len(events)], "y": values, "event": events})


@pytest.mark.fault(8)
@pytest.mark.parametrize("nothing", ["", None])
@pytest.mark.parametrize("role", ["past", "future"])
def test_an_empty_event_is_a_category_of_its_own(tmp_path, nothing, role):
    events = [nothing, "Easter", nothing, nothing, "May Day"]
    table = frame(events)
    if nothing == "":
        path = tmp_path / "data.csv"
        table.to_csv(path, index=False)
        table = path

    panel = read_panel(table, Columns(**{role: ("event",)})).panel

    assert panel.covariates[0].categories == ("", "Easter", "May Day")
    found = getattr(panel, role)
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [1, 0, 0], [0, 0, 1]]


@pytest.mark.fault(8)
def test_an_empty_event_known_ahead_is_not_the_last_event():
    read = read_panel(
        frame(["Easter", "", None, "", None], (1.0, 2, 4, None, None)),
        Columns(future=("event",), target=("y",)),
    )

    assert read.panel.lengths.tolist() == [3]
    assert read.panel.ahead.tolist() == [2]
    empty = read.panel.covariates[0].categories.index("")
    assert read.panel.future[:, empty].tolist() == [0, 1, 1, 1, 1]


@pytest.mark.fault(8)
def test_an_empty_event_in_a_table_of_the_future():
    read = read_panel(frame(["", "Easter", "", "", ""]), Columns(future=("event",)))
    ahead = pd.DataFrame({"ds": ["2024-01-06", "2024-01-07"], "event": ["", "Easter"]})

    panel = with_future(read.panel, ahead, read.columns)

    assert panel.future[5:].tolist() == [[1, 0], [0, 1]]


@pytest.mark.fault(8)
def test_an_event_that_training_never_saw_is_none_of_the_known_ones():
    columns = read_panel(frame(list("abaab")), Columns(past=("event",))).columns

    panel = read_panel(frame(["a", "", "c", "b", "a"]), columns).panel

    assert panel.past.tolist() == [[1, 0], [0, 0], [0, 0], [0, 1], [1, 0]]


def test_numbers_keep_their_rule_for_what_is_missing():
    numbers = frame([1.0, None, 3.0, 4.0, 5.0])

    assert read_panel(numbers, Columns(past=("event",))).panel.past[:, 0].tolist() == [
        1,
        1,
        3,
        4,
        5,
    ]
    refused(numbers, "event is missing", "--missing", past=("event",), missing="refuse")
    late = frame([None, None, 3.0, 4.0, 5.0])
    read = read_panel(late, Columns(past=("event",)))
    assert read.panel.past[:, 0].tolist() == [0, 0, 3, 4, 5]
    assert any("2 values of past covariates missing" in note for note in read.notes)
