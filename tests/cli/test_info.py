import importlib.util

import pytest

from elman.cli.info import EXTRAS
from tests.cli.conftest import Elman


def test_versions_machine_backends_and_extras(
    elman: Elman, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = importlib.util.find_spec
    monkeypatch.setattr(
        "elman.cli.info.find_spec", lambda name: None if name == "pooch" else found(name)
    )
    ended = elman("info")
    rows = dict(line.split("  ", 1) for line in ended.out.splitlines())
    rows = {name.strip(): text.strip() for name, text in rows.items()}
    assert rows["backend torch"] == "available"
    assert rows["backend reference"] == "available"
    assert "logical cores" in rows["cpu"]
    assert rows["extra data"] == 'missing; pip install "elman[data]"'
    assert {f"extra {name}" for name in EXTRAS} <= set(rows)
    assert ended.code == 0
