"""The flags that only some kinds have, on commands that all of them answer to."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from cyclopts import App
from pydantic import Field

from elman.cli import choices
from elman.data.given import Given
from elman.errors import InputError
from elman.models.cells import CellOptions
from elman.predictors.memory import Architecture, MemoryPredictor
from elman.settings import Options
from elman.tasks.runs import Run
from tests.cli.conftest import Elman


class Searching(Options):
    """How one kind is asked."""

    beam: int = Field(5, ge=1, description="hypotheses kept")
    text: str | None = Field(None, description="what to answer")


class Marking(Options):
    """How another is."""

    text: str | None = Field(None, description="what to answer")


class Searcher(MemoryPredictor):  # type: ignore[misc] # final, but for this test
    kind = "searcher"
    Prediction: ClassVar[type[Options]] = Searching

    def answers(self, inputs: Given | None, options: Options) -> Iterator[Any]:
        yield options.model_dump()


class Marker(Searcher):
    kind = "marker"
    Prediction: ClassVar[type[Options]] = Marking


@pytest.fixture
def app(monkeypatch: pytest.MonkeyPatch) -> tuple[App, dict[str, Any]]:
    kinds = {"searcher": Searcher, "marker": Marker}
    monkeypatch.setattr(choices, "KINDS", kinds)
    monkeypatch.setattr(choices, "kind_class", kinds.__getitem__)
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


def test_a_run_and_its_predictor_refuse_what_they_do_not_have(trained: Run) -> None:
    with pytest.raises(InputError, match="--beam: a language-model has no such setting"):
        trained.predictor.predict(["the"], beam=3)
    with pytest.raises(InputError, match="--beam: a language-model has no such setting"):
        trained.predictor.session(beam=3)
    with pytest.raises(InputError, match="--beam: a language-model has no such setting"):
        trained.report(beam=3)


def test_a_value_that_does_not_fit_is_named() -> None:
    architecture = Architecture("recall", "gru", 3, CellOptions())
    predictor = Searcher(architecture.make(), architecture)
    assert list(predictor.predict(beam=2)) == [{"beam": 2, "text": None}]
    with pytest.raises(InputError, match="--beam 0: input should be greater than or equal to 1"):
        predictor.predict(beam=0)


def test_two_meanings_of_one_flag_are_a_mistake_of_ours(
    app: tuple[App, dict[str, Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Other(Options):
        beam: str = Field("wide", description="something else")

    monkeypatch.setattr(Marker, "Prediction", Other)
    with pytest.raises(AssertionError, match="--beam differs"):
        choices.with_options(lambda run, **options: None, "Prediction")


@pytest.mark.parametrize(("default", "shown"), [(5, True), (0, False)])
def test_a_default_is_shown_where_it_is_that_of_all(
    app: tuple[App, dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    default: int,
    shown: bool,
) -> None:
    class Other(Options):
        beam: int = Field(default, description="how wide")

    monkeypatch.setattr(Marker, "Prediction", Other)
    command = choices.with_options(lambda run, **options: None, "Prediction")
    App(name="predict", default_command=command).help_print([])
    text = capsys.readouterr().out
    assert "--beam" in text
    assert ("default: 5" in text) == shown


def test_the_command_line_says_it_in_one_line(elman: Elman, trained: Run) -> None:
    ended = elman("predict", trained.path, "--nonsense", "3")
    assert ended.code == 2
    assert "--nonsense" in ended.err
