"""What the tests of the loop share."""

from typing import Any

import pytest

from tests.training import toy


@pytest.fixture(scope="session")
def references(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Each case trained without a kill."""
    found = {}
    for name, changes in toy.CASES.items():
        config = toy.make_config(**changes)
        run = toy.make_run(tmp_path_factory.mktemp("reference") / "run", config)
        outcome, objective = toy.go(run, config)
        found[name] = (config, run, outcome, objective)
    return found
