"""A fresh clone can set itself up: the pins agree, and what is missing is said in one line."""

import os
import re
import shutil
import subprocess
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")


def pins() -> dict[str, Version]:
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("==") for line in lines if not line.startswith("#")]
    return {canonicalize_name(name): Version(version) for name, version in pairs}


def installed_by_make() -> list[Requirement]:
    tested = re.search(r"^TESTED := (.*)$", MAKEFILE, re.MULTILINE)
    assert tested
    extras = PYPROJECT["project"]["optional-dependencies"]
    lines = PYPROJECT["build-system"]["requires"] + PYPROJECT["project"]["dependencies"]
    lines = lines + [line for extra in tested[1].split(",") for line in extras[extra]]
    return [Requirement(line) for line in lines]


@pytest.mark.parametrize("requirement", installed_by_make(), ids=lambda r: r.name)
def test_each_requirement_is_pinned_within_its_bounds(requirement: Requirement) -> None:
    assert requirement.specifier, "a lower bound"
    assert pins()[canonicalize_name(requirement.name)] in requirement.specifier


def test_the_pins_hold_what_the_requirements_bring() -> None:
    pinned, reached = pins(), set()
    todo = [canonicalize_name(r.name) for r in installed_by_make()]
    while todo:
        name = todo.pop()
        if name in reached:
            continue
        reached.add(name)
        if name == "torch":  # what it brings depends on the build
            continue
        for line in metadata.requires(name) or []:
            requirement = Requirement(line)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                todo.append(canonicalize_name(requirement.name))
    assert reached <= set(pinned)


def test_the_build_requirements_come_first() -> None:
    before = MAKEFILE.split("--no-build-isolation -e .")[0]
    for requirement in PYPROJECT["build-system"]["requires"]:
        assert f" {Requirement(requirement).name}" in before.split("$(PIP) install")[1]


def test_no_pin_is_of_one_build() -> None:
    assert [name for name, version in pins().items() if version.local] == []


def test_the_script_and_the_entry_of_ci() -> None:
    assert PYPROJECT["project"]["scripts"] == {"elman": "elman.cli.main:main"}
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize(
    ("fake", "message"),
    [
        (None, r"elman needs Python 3\.11 or newer, and .* is not on the PATH\."),
        ('case "$1" in -V) echo Python 3.9.2;; *) exit 1;; esac', r"newer, and .* is Python 3\.9"),
        ('case "$*" in *"import venv"*) exit 1;; esac', r"lacks the module venv\. Install it"),
        ('case "$*" in *"import ensurepip"*) exit 1;; esac', r"cannot put pip into a new"),
    ],
)
def test_what_is_missing_is_said_in_one_line(
    tmp_path: Path, fake: str | None, message: str
) -> None:
    for name in ("Makefile", "pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, tmp_path)
    python = tmp_path / "python"
    if fake is not None:
        python.write_text(f"#!/bin/sh\n{fake}\n", encoding="utf-8")
        python.chmod(0o755)
    for target in ("demo", "test", "check"):
        made = subprocess.run(
            ["make", "--no-print-directory", target, f"PYTHON={python}"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
            env={"PATH": os.environ["PATH"]},
        )
        assert made.returncode == 2
        ours, makes = made.stderr.splitlines()
        assert re.search(message, ours)
        assert makes.startswith("make: ***")
        assert not (tmp_path / ".venv").exists()
