import json
import re
from pathlib import Path

import pytest

from elman.cli.show import pick
from elman.errors import InputError
from elman.tasks.runs import Run
from tests import tiny
from tests.cli.conftest import Elman
from tests.cli.test_bad_input import refused


def test_a_line_for_each_token(elman: Elman, trained: Run) -> None:
    ended = elman("show", trained.path, "--text", "the\ncat")
    assert (ended.code, ended.err) == (0, "")
    title, *lines = ended.out.splitlines()
    assert title.startswith("hidden state of layer 0 · 12 units by time constant, short to long")
    tokens = trained.predictor.session().push("the\ncat")
    for line, token in zip(lines, tokens, strict=True):
        assert line.startswith(f"'{token.text}' ")
        assert f"{token.bits:.2f} bits" in line
        assert "forget 0." in line


def test_a_page(elman: Elman, trained: Run, tmp_path: Path) -> None:
    path = tmp_path / "page.html"
    ended = elman("show", trained.path, "--text", "the cat", "--html", path)
    assert ended.code == 0, ended.err
    assert re.fullmatch(rf"{path}: \d+ kB, 7 steps\n", ended.out)
    written = path.read_text("utf-8").partition('type="application/json">')[2]
    held = json.loads(written.partition("</script>")[0])
    assert held["labels"] == list("the cat")
    assert held["title"] == str(trained.path)


def test_what_the_map_shows_can_be_said(trained: Run) -> None:
    found = trained.activations("the")
    assert pick(found).panel.key == "h"
    assert pick(found).by == "time constant"
    assert pick(found, "forget", 0, "change").panel.name == "forget gate"
    assert pick(found, order="network").panel.order("place in the network").tolist() == [*range(12)]
    with pytest.raises(InputError, match="layer 0 has h, c, input, forget, candidate, output"):
        pick(found, "update")


def test_no_order_by_a_gate_that_is_not_there(elman: Elman, tmp_path: Path) -> None:
    run = tiny.run(tmp_path, cell="rnn", max_steps=1)
    flags = ["--text", "the", "--order", "time-constant"]
    refused(elman("show", run.path, *flags), 2, "layer 0 has no gate that keeps")
    assert elman("show", run.path, "--text", "the").out.startswith(
        "hidden state of layer 0 · 12 un"
    )


def test_bad_input(elman: Elman, trained: Run, tmp_path: Path) -> None:
    refused(elman("show", tmp_path / "no", "--text", "the"), 2, "no such folder")
    refused(elman("show", trained.path), 2, "--text")
    refused(elman("show", trained.path, "--text", ""), 2, "the text to show is empty")
    refused(elman("show", trained.path, "--text", "a", "--layer", "1"), 2, "the last layer is 0")
    refused(elman("show", trained.path, "--text", "a", "--values", "z"), 2, "--values z")
    refused(
        elman("show", trained.path, "--text", "a", "--speed", "-1"), 2, "for --speed. Must be >= 0"
    )
    page = tmp_path / "no" / "page.html"
    refused(elman("show", trained.path, "--text", "a", "--html", page), 2, "does not exist")
    refused(elman("show", trained.path, "--text", "a", "--html", tmp_path), 2, "is a folder")
