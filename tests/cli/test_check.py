"""`elman data check`: what would be read, and the very line with which `train` refuses."""

from pathlib import Path

import pytest

from tests.cli.conftest import Elman

LONG = "date,region,purpose,trips,note\n" + "".join(
    f"2024-01-{day:02},{region},{purpose},{day}.5,x{day}\n"
    for region in "ns"
    for purpose in ("work", "fun")
    for day in (1, 2, 3, 5, 6, 8)
)


def words(text: str) -> str:
    return " ".join(text.split())


def test_what_would_be_read_of_series(elman: Elman, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(LONG)

    ended = elman("data", "check", path, "--target", "trips", "--series", "region,purpose")

    assert ended.code == 0
    said = words(ended.out)
    assert "time series, a row for each series and time" in said
    assert "4 series, 8 rows, daily (D), 2024-01-01 to 2024-01-08" in said
    assert "date time 2024-01-01 2024-01-02 2024-01-03" in said
    assert "region series n n n" in said
    assert "trips target 1.5 2.5 3.5" in said
    assert "note - x1 x2 x3" in said
    assert "n/work 8 2 2 2024-01-01 2024-01-08" in said
    assert not any(tmp_path.glob("*/*"))


@pytest.mark.parametrize(
    ("text", "flags"),
    [
        (LONG, ("--target", "trips")),
        ("date,y\n2024-01-01,1\n2024-01-02,abc\n", ()),
        ("date,y\n2024-01-01,1\n2024-01-01,2\n2024-01-02,5\n", ()),
        ("a,b\nx,y\nz,w\n", ()),
    ],
)
def test_it_refuses_with_the_line_of_training(
    elman: Elman, tmp_path: Path, text: str, flags: tuple[str, ...]
) -> None:
    path = tmp_path / "a.csv"
    path.write_text(text)

    checked = elman("data", "check", path, *flags)
    trained = elman("train", "forecast", path, "--horizon", "1", "--out", tmp_path / "run", *flags)

    assert checked.code == trained.code == 2
    assert checked.err == trained.err
    assert checked.err.count("\n") == 1


@pytest.mark.remedy
def test_its_advice_works(elman: Elman, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(LONG)
    refused = elman("data", "check", path, "--target", "trips")
    flag = refused.err.partition("--series ")[2].split()[0]

    ended = elman("data", "check", path, "--target", "trips", "--series", flag)

    assert ended.code == 0
    assert "4 series" in ended.out


def test_labels_and_pairs(elman: Elman, tmp_path: Path) -> None:
    reviews = tmp_path / "reviews.csv"
    reviews.write_text(
        "text,label\n" + "".join(f"good film {n},pos\nbad film {n},neg\n" for n in range(20))
    )
    pairs = tmp_path / "pairs.tsv"
    pairs.write_text("en\tde\n" + "".join(f"the house {n}\tdas Haus {n}\n" for n in range(40)))

    labels = elman("data", "check", reviews, "--task", "classify")
    both = elman(
        *("data", "check", pairs, "--task", "translation", "--source", "en", "--target", "de")
    )

    assert labels.code == 0, labels.err
    assert "pos" in labels.out
    assert "text good film 0 bad film 0 good film 1" in words(labels.out)
    assert both.code == 0, both.err
    assert "pairs" in both.out


def test_a_flag_of_another_task(elman: Elman, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("date,y\n2024-01-01,1\n2024-01-02,2\n")

    ended = elman("data", "check", path, "--text-column", "y")

    assert ended.code == 2
    assert "--text-column: no such setting" in ended.err
