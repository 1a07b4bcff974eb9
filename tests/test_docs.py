"""What the manual and the README show works: the Python runs, the commands and flags exist."""

import argparse
import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from cyclopts import CycloptsError

import elman
from benchmarks.speed import __main__ as benchmarks_of_speed
from elman.cli.main import build_app
from elman.tasks.runs import TASKS, task_class

ROOT = Path(__file__).parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMAND = re.compile(r"^ *(?:.*\| )?(?:\.venv/bin/)?elman (.*)$", re.MULTILINE)
FLAG = re.compile(r"`[^`\n]*?(--[a-z][a-z-]+)")
NOT_OURS = {"--no-build-isolation", "--help", "--help-all", "--install-completion"}


def python_blocks(page: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


def commands(page: str) -> Iterator[list[str]]:
    """The commands in fenced and indented blocks."""
    fenced = re.findall(r"^```sh\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    indented = re.findall(r"(?:^ {4}\S.*\n)+", page, re.MULTILINE)
    for block in [*fenced, *indented]:
        for line in COMMAND.findall(block.replace("\\\n", " ")):
            yield shlex.split(line, comments=True)


def flags_of(command: str) -> set[str]:
    collection = build_app()[command].assemble_argument_collection()
    return {name for argument in collection for name in argument.names}


@pytest.fixture(scope="session")
def book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a text and a run on it, as the pages assume."""
    folder = tmp_path_factory.mktemp("reader")
    text = "".join(f"It was the {word} of times.\n" for word in ["best", "worst"] * 400)
    (folder / "book.txt").write_text(text, encoding="utf-8")
    elman.train(
        "language-model",
        folder / "book.txt",
        folder / "runs" / "book",
        max_steps=2,
        hidden_size=8,
        batch_size=4,
        truncation=8,
    )
    return folder


@pytest.mark.parametrize(
    "page",
    [page for page in PAGES if python_blocks(page.read_text(encoding="utf-8"))],
    ids=lambda page: page.name,
)
def test_the_python_of_a_page_runs(
    page: Path, book: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(book)
    code = "\n".join(python_blocks(page.read_text(encoding="utf-8")))
    exec(compile(code, str(page), "exec"), {"__name__": "page"})


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_commands_of_a_page_parse(
    page: Path, book: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(book)
    for arguments in commands(page.read_text(encoding="utf-8")):
        try:
            build_app().parse_args(arguments, exit_on_error=False, print_error=False)
        except CycloptsError as error:
            pytest.fail(f"elman {shlex.join(arguments)}: {error}")


def test_there_are_commands_to_parse() -> None:
    found = [c for page in PAGES for c in commands(page.read_text(encoding="utf-8"))]
    assert ["train", "language-model", "book.txt", "--out", "runs/book"] in found
    assert ["stream", "runs/logs"] in found
    assert {"demo", "resume", "evaluate", "generate", "predict"} <= {c[0] for c in found}


def test_a_wrong_command_is_noticed() -> None:
    for wrong in (["trian"], ["generate", "runs/book", "--lenght", "5"]):
        with pytest.raises(CycloptsError):
            build_app().parse_args(wrong, exit_on_error=False, print_error=False)


def benchmarks() -> Sequence[argparse.Action]:
    """The flags of `python -m benchmarks.speed`."""
    return benchmarks_of_speed.parser()._actions


def test_the_flags_that_pages_name_exist() -> None:
    known = {"--out", "--config"} | NOT_OURS
    for task in TASKS:
        for name, field in task_class(task).Config.model_fields.items():
            extra = field.json_schema_extra
            named = extra.get("flag") if isinstance(extra, dict) else None
            known.add(str(named or f"--{name.replace('_', '-')}"))
            if "bool" in str(field.annotation):
                known.add(f"--no-{name.replace('_', '-')}")
    known |= {flag for action in benchmarks() for flag in action.option_strings}
    for command in (
        "generate",
        "resume",
        "evaluate",
        "predict",
        "stream",
        "show",
        "probe",
        "diagnose",
        "verify",
    ):
        known |= flags_of(command)
    known.add("--task")  # of `elman data check`, whose other flags are those of training
    for page in PAGES:
        named = set(FLAG.findall(page.read_text(encoding="utf-8")))
        assert named <= known, page.name
