import tracemalloc

import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.data.tables.asked import Asked
from tests.data.series.refusing import refused

GOOD = '{"start": "2024-01-01", "target": [1, 2]}\n'


def lines(path, count, length):
    file = path / f"{count}.jsonl"
    values = ",".join(str(value) for value in range(length))
    file.write_text(
        "".join(
            f'{{"start": "2024-01-01", "target": [{values}], "item_id": "{one}"}}\n'
            for one in range(count)
        )
    )
    return file


def test_json_lines_are_series(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_text(
        '{"start": "2024-01-01 00:00", "target": [1, null, 3], "item_id": "a", "freq": "h",'
        ' "feat_static_cat": [7], "feat_dynamic_real": [[1, 2, 3, 4]]}\n\n'
        '{"start": "2024-01-02 05:00", "target": [4, "NaN", 6], "item_id": "b",'
        ' "feat_static_cat": [2], "feat_dynamic_real": [[5, 6, 7, 8]]}\n'
    )

    panel = read_panel(file).panel

    assert panel.ids == ("a", "b")
    assert panel.values[:, 0].tolist() == [1, 1, 3, 4, 4, 6]
    assert panel.future[:, 0].tolist() == [1, 2, 3, 4, 5, 6, 7, 8]
    assert panel.ahead.tolist() == [1, 1]
    assert panel.static.tolist() == [[1], [0]]
    assert panel.covariates[0].categories == ("2", "7")


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("{", ["1.jsonl:1", "not JSON"]),
        ('{"target": [1]}', ["1.jsonl:1", "not a series"]),
        (GOOD + '{"start": "2024-01-01"}', ["1.jsonl:2", "not a series"]),
        (GOOD + '["start", "target"]', ["1.jsonl:2", "not a series"]),
        ('{"start": "2024-01-01", "target": ["x", 1]}', ["1.jsonl:1", "not a list of numbers"]),
        ('{"start": "2024-01-01", "target": [1, Infinity]}', ["1.jsonl:1", "infinite at value 1"]),
        ('{"start": "2024-01-01", "target": [1%s, 2]}' % ("0" * 400), ["not a list of numbers"]),
        ('{"start": "2024-01-01", "target": []}', ["1.jsonl:1", "empty"]),
        ('{"start": "soon", "target": [1, 2]}', ["1.jsonl:1", "'soon'"]),
        (r'{"start": "\ud800", "target": [1, 2]}', ["1.jsonl:1", "start", "surrogate pair"]),
        ('{"start": "2024-01-01", "target": [1, 2], "feat_dynamic_real": [[1]]}', ["reach"]),
    ],
)
def test_bad_json_lines(tmp_path, line, parts):
    file = tmp_path / "1.jsonl"
    file.write_text(line + "\n")

    refused(file, *parts, frequency="D")


def test_json_lines_need_a_frequency(tmp_path):
    refused(lines(tmp_path, 2, 5), "--frequency")


def test_memory_is_linear_in_the_size(tmp_path):
    def most(count):
        file = lines(tmp_path, count, 200)
        tracemalloc.start()
        panel = read_panel(file, Columns(frequency="D")).panel
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert len(panel) == count
        return size

    most(10)
    small, large = most(500), most(2000)

    assert large < 4.6 * small
    assert large < 12 * 2000 * 200 * 8


def test_lines_in_another_encoding(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(
        '{"start": "2024-01-01", "target": [1, 2], "item_id": "Zürich"}\n'.encode("cp1252")
    )
    refused(file, "not UTF-8", "--encoding latin-1", frequency="D")

    read = read_panel(file, Columns(frequency="D", asked=Asked(encoding="cp1252")))
    later = read_panel(file, read.columns)

    assert read.panel.ids == later.panel.ids == ("Zürich",)
    assert "a.jsonl: read as cp1252" in read.notes
