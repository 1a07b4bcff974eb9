"""The flags that only some tasks have, on commands that all tasks answer to."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cyclopts import App
from pydantic import Field
from torch import nn

from elman.cli import choices
from elman.errors import InputError
from elman.tasks.memory.task import MemoryTask
from elman.tasks.runs import Run
from elman.tasks.task import NO_OPTIONS, Given, Options
from tests.cli.conftest import Elman


class Searching(Options):
    """How one task is asked."""

    beam: int = Field(5, ge=1, description="hypotheses kept")
    text: str | None = Field(None, description="what to answer")


class Marking(Options):
    """How another is."""

    text: str | None = Field(None, description="what to answer")


class Searcher(MemoryTask):  # type: ignore[misc]  # final, but for this test
    name = "searcher"
    Prediction: ClassVar[type[Options]] = Searching

    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[dict[str, Any]]:
        yield options.model_dump()


class Marker(Searcher):
    name = "marker"
    Prediction: ClassVar[type[Options]] = Marking


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> tuple[App, dict[str, Any]]:
    kinds = {"searcher": Searcher, "marker": Marker, "marker-too": Marker}
    monkeypatch.setattr(choices, "TASKS", kinds)
    monkeypatch.setattr(choices, "task_class", kinds.__getitem__)
    seen: dict[str, Any] = {}

    def command(run: Path, /, **options: Any) -> None:
        seen.update(options)

    made = App(name="predict", default_command=choices.with_options(command, "Prediction"))
    return made, seen


def test_a_flag_has_the_section_of_those_that_have_it(
    app: tuple[App, dict[str, Any]], capsys: pytest.CaptureFixture[str]
) -> None:
    app[0].help_print([])
    shown = capsys.readouterr().out
    assert shown.index("For searcher ") < shown.index("--beam")
    assert shown.index("For searcher, marker ") < shown.index("--text")


def test_only_what_was_given_is_passed_on(app: tuple[App, dict[str, Any]]) -> None:
    made, seen = app
    made(["run", "--beam", "3"], exit_on_error=False, result_action="return_value")
    assert seen == {"beam": 3}


def test_a_run_refuses_what_its_task_does_not_have(trained: Run) -> None:
    uses: Sequence[Any] = [trained.report, trained.predict, trained.stream]
    for use in uses:
        with pytest.raises(InputError, match="--beam: a language-model run has no such setting"):
            use(beam=3)


def test_a_value_that_does_not_fit_is_named(trained: Run) -> None:
    run = Run(Searcher(trained.task.config, trained.task.run), trained.model)
    assert next(run.predict(beam=2)) == {"beam": 2, "text": None}
    with pytest.raises(InputError, match="--beam 0: input should be greater than or equal to 1"):
        run.predict(beam=0)


def test_two_meanings_of_one_flag_are_a_mistake_of_ours(
    app: tuple[App, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Options):
        beam: str = Field("wide", description="something else")

    monkeypatch.setattr(Marker, "Prediction", Other)
    with pytest.raises(AssertionError, match="--beam differs"):
        choices.with_options(lambda run, **options: None, "Prediction")


def test_the_command_line_says_it_in_one_line(elman: Elman, trained: Run) -> None:
    ended = elman("predict", trained.path, "--nonsense", "3")
    assert ended.code == 2
    assert "--nonsense" in ended.err
