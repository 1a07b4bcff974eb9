from pathlib import Path

from benchmarks.results import circumstances, table, write_section


def test_a_section_takes_the_place_of_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    write_section("one", "1", path)
    write_section("two", "### detail\n\n2", path)
    write_section("three", "3", path)
    before = path.read_text()
    write_section("two", "22", path)
    after = path.read_text()
    assert before.startswith("# Results\n")
    assert before.index("## one") < before.index("## two") < before.index("## three")
    assert after == before.replace("### detail\n\n2", "22")


def test_writing_the_same_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "RESULTS.md"
    for title in ("one", "two", "one", "two"):
        write_section(title, f"the figure of {title}", path)
    again = path.read_text()
    write_section("one", "the figure of one", path)
    assert path.read_text() == again
    assert again.count("## ") == 2


def test_a_figure_comes_with_its_circumstances() -> None:
    text = circumstances("python -m benchmarks.quality x", 2)
    for part in ("`python -m benchmarks.quality x`", "torch ", "2 threads", "cores", "GFLOP/s"):
        assert part in text
    assert table(["a", "b"], [["1", "2"]]).splitlines()[-1] == "| 1 | 2 |"
