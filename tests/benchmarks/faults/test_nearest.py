"""Which tests a mutant is run against."""

from __future__ import annotations

from benchmarks.faults.nearest import READ_THE_SOURCE, TestMap

OWN, PACKAGE, FAR = "tests/data/test_a.py::t", "tests/data/test_b.py::t", "tests/cli/test_c.py::t"
READS = f"{READ_THE_SOURCE}[values]"
REFUSES = "tests/data/test_a.py::bounds"
TESTS = TestMap(
    {"src/elman/data/a.py": {3: [FAR, PACKAGE, OWN], 4: [FAR]}},
    {OWN: 4.0, PACKAGE: 5.0, FAR: 1.0, READS: 2.0, REFUSES: 0.4},
)


def test_the_own_test_file_comes_first_and_the_budget_holds() -> None:
    assert TESTS.nearest("src/elman/data/a.py", (3, 3), 100) == [OWN, PACKAGE, FAR]
    assert TESTS.nearest("src/elman/data/a.py", (3, 3), 6) == [OWN, FAR]
    assert TESTS.nearest("src/elman/data/a.py", (4, 4), 0.1) == [FAR], "at least one"


def test_a_line_that_runs_at_import_is_near_to_those_that_read_the_source() -> None:
    assert TESTS.nearest("src/elman/data/a.py", (1, 1), 6.5) == [READS, REFUSES, OWN]
