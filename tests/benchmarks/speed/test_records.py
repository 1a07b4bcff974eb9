from pathlib import Path

from benchmarks.speed import records
from benchmarks.speed.records import Timing
from tests.benchmarks.speed.matches import GRU, LSTM, match, timing


def test_matches_come_back_from_the_file(tmp_path: Path) -> None:
    path = tmp_path / "out" / "matches.jsonl"
    assert records.read(path) == {}
    first, second = match(LSTM), match(GRU, timings={"jax": Timing(reason="no “scan”")})
    records.append(path, first.to_json())
    records.append(path, second.to_json())
    assert records.read(path) == {first.key: first, second.key: second}


def test_the_newest_match_of_a_cell_counts_whole(tmp_path: Path) -> None:
    path = tmp_path / "matches.jsonl"
    newest = match(timings={"elman": timing(0.1)})
    for one in (match(), match(threads=1), newest):
        records.append(path, one.to_json())
    found = records.read(path)
    assert len(found) == 2
    assert found[LSTM, "fp32", 2] == newest


def test_a_line_that_was_cut_off_costs_one_match(tmp_path: Path) -> None:
    path = tmp_path / "matches.jsonl"
    records.append(path, match(LSTM).to_json())
    whole = path.read_text()
    path.write_text(whole + whole[: len(whole) // 2])
    assert list(records.read(path)) == [match(LSTM).key]
    records.append(path, match(GRU).to_json())
    assert list(records.read(path)) == [match(LSTM).key, match(GRU).key]
