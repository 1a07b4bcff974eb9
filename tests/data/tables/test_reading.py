"""Tables as people have them: the right value, or one line that says what is wrong and helps."""

import gzip
import warnings
from pathlib import Path

import numpy as np
import pytest

from elman import bounds
from elman.data.tables.asked import Asked, TableSettings
from elman.data.tables.dialect import Dialect
from elman.data.tables.read import read_file
from elman.data.tables.table import BadRows, Table, joined
from elman.errors import InputError


def read(folder: Path, content: str | bytes, name: str = "a.csv", **asked: object) -> Table:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    made = TableSettings.model_validate(asked).asked
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return read_file(path, BadRows(), asked=made)


@pytest.mark.parametrize(
    ("name", "content", "free", "said"),
    [
        # 2 bytes for each of the 1,010 of the text, a quarter of what is free.
        ("a.csv", "y\n" + "x" * 1007 + "\n", 4 * 2020, "needs 2,020 bytes at once"),
        # 100 bytes for each of the 3 rows and 60 for each cell, half of what is free.
        ("a.csv", "x,y\n1,2\n3,4\n", 2 * 660, "need more than 659 bytes"),
        ("a.jsonl", '{"x": 1, "y": 2}\n' * 3, 2 * 3 * 540, "need more than 1,619 bytes"),
        ("a.txt", "x\ny\nz\n", 2 * 3 * 200, "need more than 599 bytes"),
    ],
)
def test_rows_take_no_more_memory_than_is_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, content: str, free: int, said: str
) -> None:
    monkeypatch.setattr(bounds, "free_memory", lambda: free)
    assert len(read(tmp_path, content, name)) > 0
    monkeypatch.setattr(bounds, "free_memory", lambda: free - 1)
    with pytest.raises(InputError, match=said):
        read(tmp_path, content, name)


def y(table: Table) -> list[float]:
    return table.numbers("y").tolist()


WIDE = [
    (3, "d,y\n2024-01-01,10,0\n2024-01-02,11,3\n", r"a\.csv:2: has 3 columns, the header has 2"),
    (3, "d,y\nA,1\nB,1,234\n", r"a\.csv:3: has 3 columns"),
    (3, "d,y,z\nA,1,2\nB,1\n", r"a\.csv:3: has 2 columns, the header has 3"),
    (3, "d,y\n0,A,1\n1,B,2\n", r"a\.csv:2: has 3 columns, the header has 2"),
    (28, "day,y\n2022-01-03,102,8\n2022-01-04,111,4\n", r"a\.csv:2: has 3 .*quote a cell"),
    (16, "d,y\nA,1\n# a remark\nB,2\n", r"a\.csv:3: .*take a comment out"),
    (16, 'd,y\nA,1\n"B,2\nC,3\n', r"a\.csv:3: a quotation mark .* opens here"),
    (16, "d,y,y\nA,1,2\n", r"a\.csv:1: the column 'y' is there twice"),
    (16, b"PK\x03\x04\0\0\n", r"save the sheet as CSV"),
    (16, "", "the file is empty"),
    (16, b"\xef\xbb\xbf", "the file is empty"),
]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        pytest.param(content, complaint, marks=pytest.mark.fault(fault))
        for fault, content, complaint in WIDE
    ],
)
def test_rows_that_do_not_fit_are_refused_by_their_line(
    tmp_path: Path, content: str | bytes, complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint) as error:
        read(tmp_path, content)
    assert "\n" not in str(error.value)


@pytest.mark.remedy
@pytest.mark.fault(28)
def test_quoted_decimal_commas_are_read(tmp_path: Path) -> None:
    assert y(read(tmp_path, 'd,y\nA,"102,8"\nB,"111,4"\n')) == [102.8, 111.4]


@pytest.mark.fault(16)
@pytest.mark.parametrize(
    "content",
    [
        "sep=;\nd;y\nA;1,5\nB;2\n",
        "\nsep=;\nd;y\nA;1,5\nB;2\n",
        "d;y\nA;1,5\nB;2\n",
        "d;y;;\nA;1,5;;\nB;2;;\n",
        "d\ty\nA\t1.5\nB\t2\n",
        "d|y\nA|1.5\nB|2\n",
        '"d","y"\n"A","1,5"\n"B","2"\n',
        " d , y \nA,1.5\nB,2\n",
        "# made by a logger\n# in 2024\nd,y\nA,1.5\nB,2\n",
        "d,y\r\nA,1.5\r\n\r\nB,2\r\n",
        "\ufeffd,y\nA,1.5\nB,2\n",
        b"\xff\xfe" + "d;y\nA;1,5\nB;2\n".encode("utf-16-le"),
        gzip.compress(b"d,y\nA,1.5\nB,2\n", mtime=0),
    ],
)
def test_what_spreadsheets_and_loggers_write(tmp_path: Path, content: str | bytes) -> None:
    table = read(tmp_path, content)
    assert [name for name in table.columns if name.strip()] == ["d", "y"]
    assert table.cells("d") == ["A", "B"]
    assert y(table) == [1.5, 2]


@pytest.mark.fault(16)
def test_a_comma_in_a_header_and_decimal_commas_are_not_delimiters(tmp_path: Path) -> None:
    table = read(tmp_path, "Datum;Wert, kWh\nA;1,5\nB;2,5\n")
    assert table.numbers("Wert, kWh").tolist() == [1.5, 2.5]
    assert table.dialect is not None
    assert table.dialect.notes("a.csv") == ("a.csv: read with ; between cells and a decimal comma",)


@pytest.mark.fault(29)
@pytest.mark.parametrize(
    ("cells", "asked", "values"),
    [
        (["102,83", "111,45"], {}, [102.83, 111.45]),
        (["1.102,83", "111"], {}, [1102.83, 111]),
        (["1.102", "2.111"], {}, [1.102, 2.111]),
        (["1.102", "2.111"], {"decimal": "."}, [1.102, 2.111]),
        (["1.102", "2.111"], {"thousands": "."}, [1102, 2111]),
        (["1 102", "2\u00a0111"], {}, [1102, 2111]),
        (["1'102", "2'111,5"], {}, [1102, 2111.5]),
        (["12,5", "?"], {"missing_values": "?,-"}, [12.5, np.nan]),
        (["12,5", "-"], {"missing_values": ["?", "-"]}, [12.5, np.nan]),
    ],
)
def test_semicolons_with_numbers_of_every_way(
    tmp_path: Path, cells: list[str], asked: dict[str, object], values: list[float]
) -> None:
    table = read(tmp_path, "d;y\n" + "".join(f"A;{cell}\n" for cell in cells), **asked)
    np.testing.assert_array_equal(table.numbers("y"), values)


@pytest.mark.remedy
@pytest.mark.parametrize(
    ("content", "complaint", "asked", "values"),
    [
        ("d;y\n01.02.2024;1.102\n", ("y is '1.102', which is 1102 or 1.102; .*--decimal ',' or "
         "--decimal '.'"), {"decimal": ","}, [1102]),
        ('d,y\nA,"1,102"\n', "which is 1102 or 1.102", {"decimal": "."}, [1102]),
        ("d,y\nA,1\nB,?\n", r"a\.csv:3: y is '\?', .*--missing-values", {"missing_values": "?"},
         [1, np.nan]),
        ("d;x;y\nA;12.3;1,5\n", "y is '1,5', but .*--decimal ','", {"decimal": ","}, [1.5]),
    ],
)  # fmt: skip
def test_the_flag_that_a_message_names_reads_the_table(
    tmp_path: Path, content: str, complaint: str, asked: dict[str, str], values: list[float]
) -> None:
    with pytest.raises(InputError, match=complaint):
        read(tmp_path, content).numbers("y")
    np.testing.assert_array_equal(read(tmp_path, content, **asked).numbers("y"), values)


@pytest.mark.remedy
@pytest.mark.fault(38)
@pytest.mark.parametrize("encoding", ["latin-1", "cp1252"])
def test_the_encoding_that_a_message_names_reads_the_table(tmp_path: Path, encoding: str) -> None:
    content = "name;y\nMünchen;1\n“Köln”;2\n" if encoding == "cp1252" else "name;y\nMünchen;1\n"
    with pytest.raises(InputError, match=r"a\.csv:2: not UTF-8 .*--encoding latin-1"):
        read(tmp_path, content.encode(encoding))
    table = read(tmp_path, content.encode(encoding), encoding=encoding)
    assert table.cells("name") == [line.split(";")[0] for line in content.split("\n")[1:-1]]
    assert table.dialect is not None
    # A later file is read in the same way, and one that is UTF-8 as UTF-8.
    for later in (encoding, "utf-8"):
        path = tmp_path / "later.csv"
        path.write_bytes("name;y\nÖl;1\n".encode(later))
        again = read_file(path, BadRows(), dialect=table.dialect)
        assert again.cells("name") == ["Öl"]


@pytest.mark.parametrize(
    ("cell", "complaint"),
    [("12 €", "a sign or a unit"), ("12%", "a sign"), ("$12", "a sign"), ("abc", "not a number")],
)
def test_cells_that_are_no_numbers_are_named(tmp_path: Path, cell: str, complaint: str) -> None:
    table = read(tmp_path, f"d,y\nA,{cell}\nB,{cell}\n")
    assert table.is_numeric("y") == (cell != "abc")
    with pytest.raises(
        InputError, match=rf"a\.csv:2: y is '{cell.replace('$', '.')}'.*{complaint}"
    ):
        table.numbers("y")


def test_a_delimiter_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"--delimiter ';': the first row has none \('d,y'\)"):
        read(tmp_path, "d,y\nA,1\n", delimiter=";")
    assert y(read(tmp_path, "d;y\nA;1\n", delimiter="semicolon")) == [1]
    assert y(read(tmp_path, "d y\nA 1\n", delimiter="space")) == [1]


@pytest.mark.fault(7)
@pytest.mark.fault(14)
def test_words_stay_what_they_are(tmp_path: Path) -> None:
    table = read(tmp_path, "shop no,country,y\n001,NA,1\n01,None,2\n1,null,NA\n,,3\n")
    assert table.cells("shop no") == ["001", "01", "1", ""]
    assert table.series("country").tolist() == ["NA", "None", "null", None]
    assert table.series("shop no").tolist() == ["001", "01", "1", None]
    np.testing.assert_array_equal(table.numbers("y"), [1, 2, np.nan, 3])


def test_files_that_are_joined_are_decided_together(tmp_path: Path) -> None:
    one = read(tmp_path, "d;y\nA;1.234\n", "a.csv")
    two = read(tmp_path, "d;y\nA;1,5\n", "b.csv")
    assert joined([one, two]).numbers("y").tolist() == [1234, 1.5]


def test_missing_words_hold_for_json_too(tmp_path: Path) -> None:
    table = read(tmp_path, '{"y": null}\n{"y": -999}\n{"y": 2}\n', "a.jsonl", missing_values="-999")
    np.testing.assert_array_equal(table.numbers("y"), [np.nan, np.nan, 2])


def test_notes_are_for_what_is_not_usual() -> None:
    assert Dialect().notes("a.csv") == ()
    assert Dialect("\t").notes("a.tsv.gz") == ()
    found = Dialect("\t", decimal=",", thousands="'", encoding="cp1252", missing=("?", "-"))
    written, encoding = found.notes("x/a.csv")
    assert written == (
        "a.csv: read with tabs between cells, a decimal comma, apostrophes between thousands"
        " and ? and - for a missing number"
    )
    assert encoding == "a.csv: read as cp1252"


@pytest.mark.parametrize(
    ("name", "value"), [("encoding", "klingon"), ("delimiter", ",,"), ("decimal", ";")]
)
def test_settings_that_nothing_can_be_read_with(name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        TableSettings.model_validate({name: value})
    assert Asked() == TableSettings().asked
