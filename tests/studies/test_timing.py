from elman.studies.timing import interleaved, seconds


def test_rounds_are_interleaved_and_the_first_is_not_counted() -> None:
    made: list[str] = []
    calls = {"a": lambda: made.append("a"), "b": lambda: made.append("b")}
    times = interleaved(calls, 3)
    assert made == ["a", "b"] * 4
    assert {name: len(found) for name, found in times.items()} == {"a": 3, "b": 3}
    assert all(time > 0 for found in times.values() for time in found)


def test_a_budget_adds_rounds() -> None:
    assert len(interleaved({"a": lambda: None}, 2, budget=0.02)["a"]) > 2


def test_seconds_of_several_calls() -> None:
    made: list[int] = []
    assert seconds(lambda: made.append(1), 5) > 0
    assert len(made) == 5
