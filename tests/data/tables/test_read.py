"""One reader of tables: the same rows out of every kind of file, and what is refused by line."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from elman.data.given import Columns
from elman.data.tables.dialect import Dialect
from elman.data.tables.read import read_columns, read_file
from elman.data.tables.table import BadRows, Table, joined
from elman.errors import InputError


def put(path: Path, text: str | bytes) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def read(path: Path, text: str | bytes, **options: Any) -> Table:
    return read_file(put(path, text), BadRows(), **options)


def values(table: Table) -> dict[str, list[Any]]:
    return {name: table.cells(name) for name in table.columns}


ROWS = {"when": ["2024-01-01", "2024-01-02"], "y": ["1.5", "2"]}


@pytest.mark.parametrize(
    ("name", "text", "delimiter"),
    [
        ("a.csv", "when,y\n2024-01-01,1.5\n2024-01-02,2\n", ","),
        ("a.csv", "when;y\r\n2024-01-01;1.5\r\n2024-01-02;2", ";"),
        ("a.csv", "when\ty\n2024-01-01\t1.5\n2024-01-02\t2\n", "\t"),
        ("a.csv", "when|y\n2024-01-01|1.5\n2024-01-02|2\n", "|"),
        ("a.csv", "sep=;\nwhen;y\n2024-01-01;1.5\n2024-01-02;2\n", ";"),
        ("a.csv", "\ufeffwhen,y,,\n2024-01-01,1.5,,\n,,,\n\n2024-01-02,2,,\n", ","),
        ("a.tsv", "when\ty\n2024-01-01\t1.5\n2024-01-02\t2\n", "\t"),
        ("a.tsv", '"when"\t"y"\n"2024-01-01"\t1.5\n"2024-01-02"\t2\n', "\t"),
        ("a.csv", ' when , y\n"2024-01-01",1.5\n2024-01-02,2\n', ","),
    ],
)
def test_text_with_delimiters(tmp_path: Path, name: str, text: str, delimiter: str) -> None:
    table = read(tmp_path / name, text)
    assert values(table) == ROWS
    assert table.dialect is not None
    assert table.dialect.delimiter == delimiter
    assert table.numbers("y").tolist() == [1.5, 2]


def test_every_kind_gives_the_same_table(tmp_path: Path) -> None:
    frame = pd.DataFrame(
        {"id": ["01", None, "1"], "y": [1.5, np.nan, 3], "tags": [["a"], [], ["b"]]}
    )
    rows = {"id": ["01", None, "1"], "y": [1.5, None, 3.0], "tags": [["a"], [], ["b"]]}
    lines = [
        json.dumps(dict(zip(rows, row, strict=True))) for row in zip(*rows.values(), strict=True)
    ]
    parquet.write_table(pa.table(rows), tmp_path / "a.parquet")
    tables = [
        read_columns(Columns(frame)),
        read_columns(Columns(pa.table(rows))),
        read_columns(Columns(rows)),
        read(tmp_path / "a.jsonl", "\n".join(lines)),
        read_file(tmp_path / "a.parquet", BadRows()),
    ]
    for table in tables:
        assert values(table) == rows
        assert table.where(2).endswith(":3")
        np.testing.assert_array_equal(table.numbers("y"), [1.5, np.nan, 3])
        assert table.series("id").isna().tolist() == [False, True, False]


def test_a_dict_of_arrays_and_the_index_of_a_frame() -> None:
    table = read_columns(Columns({"x": np.arange(2), "y": pd.Series([1.0, 2.0]), "z": ("a", "b")}))
    assert values(table) == {"x": [0, 1], "y": [1.0, 2.0], "z": ["a", "b"]}
    days = pd.date_range("2024-01-01", periods=2, name="ds")
    assert list(read_columns(Columns(pd.DataFrame({"y": [1, 2]}, index=days))).columns) == [
        "ds",
        "y",
    ]
    assert list(read_columns(Columns(pd.DataFrame({"y": [1, 2]}, index=[7, 9]))).columns) == ["y"]
    with pytest.raises(InputError, match="different lengths: a 1, b 2"):
        read_columns(Columns({"a": [1], "b": [1, 2]}))


def test_a_quoted_empty_cell_is_a_row_and_a_blank_line_is_none(tmp_path: Path) -> None:
    """As pandas writes a missing text or number in a table of one column."""
    table = read(tmp_path / "a.csv", 'text\n\none\n""\n\ntwo\n')
    assert values(table) == {"text": ["one", "", "two"]}
    assert (list(table.lines), table.blank) == ([3, 4, 6], 2)
    path = tmp_path / "frame.csv"
    pd.DataFrame({"y": [1.5, None, 3.0]}).to_csv(path, index=False)
    assert values(read_file(path, BadRows())) == {"y": ["1.5", "", "3.0"]}
    wider = read(tmp_path / "wide.csv", 'a,b\n1,2\n""\n"",""\n3,4\n')
    assert values(wider) == {"a": ["1", "3"], "b": ["2", "4"]}


@pytest.mark.fault(38)
@pytest.mark.remedy
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_an_array_of_objects_is_named_as_what_it_is(tmp_path: Path, indent: int | None) -> None:
    frame = pd.DataFrame({"text": ["one", "two"]})
    path = tmp_path / "a.json"
    path.write_text(json.dumps(frame.to_dict("records"), indent=indent), encoding="utf-8")
    with pytest.raises(InputError, match=r"a.json:1: an array of JSON objects; .*lines=True"):
        read_file(path, BadRows())
    frame.to_json(path, orient="records", lines=True)
    assert values(read_file(path, BadRows())) == {"text": ["one", "two"]}


@pytest.mark.parametrize("between", [",", ";", "\t", "|"])
@pytest.mark.parametrize("row", ["1{0}2{0}3", "1"])
def test_a_row_of_another_width_is_refused_by_its_line(
    tmp_path: Path, between: str, row: str
) -> None:
    path = put(tmp_path / "a.csv", f'a{between}b\n\n"x\ny"{between}1\n{row}\n5{between}6\n'.replace(
        "1{0}2{0}3", between.join("123")))  # fmt: skip
    width = "1 column" if row == "1" else "3 columns"
    if between == "\t":  # where a quotation mark is a character
        path = put(path, f"a\tb\n\nx\t1\n\n{row.replace('{0}', between)}\n5\t6\n")
    with pytest.raises(InputError, match=rf"a\.csv:5: has {width}, the header has 2"):
        read_file(path, BadRows())
    bad = BadRows(skip=True)
    table = read_file(path, bad)
    assert (len(table), bad.count) == (2, 1)
    assert table.lines == [3, 6]


@pytest.mark.parametrize(
    ("cells", "numbers"),
    [
        (["20,0", "26,25", "NA", ""], [20, 26.25, np.nan, np.nan]),
        (["1.234,5", "12", "-3,25"], [1234.5, 12, -3.25]),
        (["1 234,5", "1\u202f000,25"], [1234.5, 1000.25]),
        (['"1,234.5"', '"12"'], [1234.5, 12]),
        (['"1,234,567"', "1.5"], [1234567, 1.5]),
        (["1e3", " 2 ", "-.5", "True"], [1000, 2, -0.5, 1]),
    ],
)
def test_the_decimal_sign_is_decided_over_the_column(
    tmp_path: Path, cells: list[str], numbers: list[float]
) -> None:
    table = read(tmp_path / "a.csv", "d;y\n" + "".join(f"d;{cell}\n" for cell in cells))
    np.testing.assert_array_equal(table.numbers("y"), numbers)
    assert table.is_numeric("y")
    assert table.dialect is not None
    kept = Dialect(**json.loads(json.dumps(vars(table.dialect))))
    later = read(tmp_path / "b.csv", "d;y\nd;1,500\n", dialect=kept)
    assert kept.decimal != "," or later.numbers("y").tolist() == [1.5]
    assert kept.thousands != "," or later.numbers("y").tolist() == [1500]


@pytest.mark.parametrize("cell", ["1,500", "1.5.0", "1_000", "abc", "inf", "1,5;"])
def test_what_is_not_a_number_is_said_with_its_line(tmp_path: Path, cell: str) -> None:
    table = read(tmp_path / "a.csv", f'd;y\nd;2\nd;"{cell}"\n')
    with pytest.raises(InputError, match=r"a\.csv:3: y is "):
        table.numbers("y")


def test_only_an_empty_cell_is_missing_among_words(tmp_path: Path) -> None:
    table = read(tmp_path / "a.csv", "id, country,y\n001, NA,NA\n1,None,nan\n01,null,\n,,3\n")
    assert table.series("country").tolist()[:3] == ["NA", "None", "null"]
    assert table.series("country").isna().tolist() == [False, False, False, True]
    assert table.series("id").tolist()[:3] == ["001", "1", "01"]
    assert np.isnan(table.numbers("y")).tolist() == [True, True, True, False]


def test_a_later_table_in_another_dialect_is_found_anew(tmp_path: Path) -> None:
    kept = Dialect(delimiter=";", decimal=",", thousands=".")
    table = read(tmp_path / "a.csv", "d,y\nd,1.500\n", dialect=kept)
    assert table.numbers("y").tolist() == [1.5]


@pytest.mark.parametrize(
    ("name", "text", "complaint"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.csv", b"a,b\nx,\xe9\n", r"a\.csv:2: not UTF-8"),
        ("a.csv", b"a,b\nx,\0\n", r"a\.csv:2: binary"),
        ("a.csv", "a,b\n1,\ud800\n".encode("utf-16", "surrogatepass"), "not utf-16"),
        ("a.csv", b"a,b\rx,y\rz,w\r", r"a\.csv:1: .*end in LF or CR LF"),
        ("a.csv", b'a,b\n1,"x\ny\n', r"a\.csv:2: a quotation mark .* opens here"),
        ("a.csv", b"a,b,a\n1,2,3\n", r"a\.csv:1: the column 'a' is there twice"),
        ("a.jsonl", b'{"a": 1}\n[1]\n', r"a\.jsonl:2: not a JSON object"),
        ("a.jsonl", b'{"a": 1}\n{"a"\n', r"a\.jsonl:2: not JSON"),
        ("a.parquet", b"PAR1", "can't be read as Parquet"),
        ("a.xlsx", b"PK", "a spreadsheet; save the sheet as CSV"),
        ("a.csv", b"PK\x03\x04\0,b\n", "save the sheet as CSV"),
    ],
)
def test_a_file_that_is_no_table(tmp_path: Path, name: str, text: bytes, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as error:
        read(tmp_path / name, text)
    assert "\n" not in str(error.value)


FOOTERS = """
import sys
from pathlib import Path
from elman.data.tables.parquet import read_parquet
from elman.errors import InputError
path = Path(sys.argv[1])
whole = path.read_bytes()
footer = len(whole) - 8 - int.from_bytes(whole[-8:-4], "little")
refused = 0
for place in range(footer, len(whole) - 8):
    damaged = bytearray(whole)
    damaged[place] ^= 2
    path.write_bytes(damaged)
    try:
        read_parquet(path)
    except InputError:
        refused += 1
print(refused)
"""


def test_no_damage_to_the_footer_of_lists_ends_the_process(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    parquet.write_table(pa.table({"a": [[1.5], [2.5]], "b": [1, 2]}), path, store_schema=False)
    command = [sys.executable, "-c", FOOTERS, str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) > 50


def test_joined_tables_know_their_files(tmp_path: Path) -> None:
    one = read(tmp_path / "a.csv", "a,b\n1,2\n")
    two = read(tmp_path / "b.csv", "a,b\n\n3,4\n5,6\n")
    both = joined([one, two])
    assert values(both) == {"a": ["1", "3", "5"], "b": ["2", "4", "6"]}
    places = [both.where(row).rpartition("/")[2] for row in range(3)]
    assert places == ["a.csv:2", "b.csv:3", "b.csv:4"]
    with pytest.raises(InputError, match=r"b\.csv: its columns are 'a', 'c'"):
        joined([one, read(tmp_path / "b.csv", "a,c\n3,4\n")])
