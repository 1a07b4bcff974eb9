from pathlib import Path

import pytest

from elman.data.fetch import list_datasets
from tests.cli.conftest import Elman


def test_the_list_says_what_from_where_and_under_which_license(elman: Elman) -> None:
    out = elman("data", "list").out
    for dataset in list_datasets():
        for told in (dataset.name, dataset.what, dataset.origin, dataset.license, dataset.split):
            assert told in out


def test_what_was_fetched_is_named(
    elman: Elman, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("elman.cli.data.get", lambda name, folder: [Path(folder) / name / "a.txt"])
    ended = elman("data", "get", "sst2", "--folder", tmp_path)
    assert ended.out == f"{tmp_path}/sst2/a.txt\n"


def test_no_such_data_set(elman: Elman, tmp_path: Path) -> None:
    ended = elman("data", "get", "nothing", "--folder", tmp_path)
    assert ended.code == 2
    assert "no data set is called 'nothing'" in ended.err
