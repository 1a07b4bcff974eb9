"""Settings in TOML and JSON, and folders of predictors and runs that a stranger has changed.

Every checksum is written again after a change: whoever means harm can do the same.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from random import Random
from tempfile import mkdtemp
from typing import Any

import tomli_w

import elman
from benchmarks.faults.inputs_rows import json_rows, value
from benchmarks.faults.inputs_series import asked, flags
from benchmarks.faults.mutate import lying, mutated, some
from benchmarks.faults.outcome import Generator, Input
from elman.checksums import LIST, SEAL, sealed, write_list
from elman.data.given import Files
from elman.data.labeled.dataset import read_labeled
from elman.data.series.dataset import read_panel
from elman.predictors.predictor import load
from elman.settings import configure
from elman.tasks.runs import TASKS, open_task, reopen, task_class
from elman.training.log import read_metrics

_SMALL: dict[str, Any] = {
    "hidden_size": 4,
    "num_layers": 1,
    "batch_size": 4,
    "max_steps": 1,
    "eval_every": 1,
    "checkpoint_every": 1,
    "seed": 1,
}
_ODD: tuple[Any, ...] = (
    *(
        -1,
        0,
        2**63,
        -(2**70),
        1.5,
        1e308,
        True,
        "",
        "meta",
        "cpu",
        "a" * 200,
        [],
        [1, "a"],
        [[]],
        {},
    ),
    *(
        {"a": {"b": 1}},
        "gru",
        "os:system",
        "elman.layers.gru:GRU",
        "../../x",
        "\0",
        "cuda",
        "1e400",
        "nan",
    ),
)


@cache
def runs() -> dict[str, Path]:
    """A run of each task, trained for one step."""
    folder = Path(mkdtemp(prefix="elman-fuzz-"))
    text = folder / "text.txt"
    text.write_text("a cat sat on a mat\n" * 40, encoding="utf-8")
    rows = {
        "ds": [f"2024-01-{day:02}" for day in range(1, 31)],
        "y": [float(d % 7) for d in range(30)],
    }
    data: dict[str, tuple[Any, dict[str, Any]]] = {
        "language-model": (text, {"embedding_size": 4, "truncation": 8}),
        "classify": ((["a b", "c d"] * 20, ["p", "n"] * 20), {"embedding_size": 4}),
        "translation": ([("a b", "c d"), ("e", "f")] * 20, {"embedding_size": 4}),
        "forecast": (rows, {"horizon": 2, "look_back": 4}),
    }
    for task, (given, more) in data.items():
        known = task_class(task).Config.model_fields
        settings = {name: each for name, each in (_SMALL | more).items() if name in known}
        elman.train(task, given, folder / task, **settings)
    return {task: folder / task for task in data}


@cache
def _content(task: str) -> dict[str, bytes]:
    folder = runs()[task]
    return {
        str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()
    }


def toml(draw: Random) -> Input:
    """A file of settings for a task."""
    config = task_class(draw.choice(tuple(TASKS))).Config
    names = [*config.model_fields, "elman", "settings", "x", "hidden-size"]
    tree = {name: draw.choice(_ODD) for name in draw.sample(names, some(draw, range(9), 1, 2))}
    text = tomli_w.dumps(tree if draw.random() < 0.6 else {"settings": tree})
    if draw.random() < 0.25:
        text += draw.choice(_HOSTILE)
    data = text.encode("utf-8", "replace")
    if draw.random() < 0.4:
        data = mutated(draw, data, 3)

    def read(folder: Path) -> object:
        return configure(config, {}, folder / "c.toml")

    return Input({"c.toml": data}, read)


_HOSTILE = (
    "\na = " + "[" * 3000 + "]" * 3000,
    "\n" + ".".join("a" * 3000) + " = 1",
    "\nb = " + "{c = " * 500 + "1" + "}" * 500,
    "\nseed = " + "9" * 5000,
    "\nhorizon = 2024-01-01\ncell = 12:00:00",
    "\n[" * 999,
    '\nx = """' + "a" * 100_000,
    "\nmax_minutes = inf\nlearning_rate = nan",
)


def json_lines(draw: Random) -> Input:
    """JSON lines as the series of GluonTS, as a table of series, as labeled rows, as metrics."""
    kind = draw.choice(("gluonts", "table", "labeled", "metrics"))
    wild = draw.choice((0.0, 0.05, 0.3))
    count = draw.randint(1, 12)
    if kind == "gluonts":
        rows = [_series(draw, wild) for _ in range(count)]
        text = "\n".join(map(json.dumps, rows))
    elif kind == "metrics":
        text = "".join(
            json.dumps({"step": n, "loss": 1.5, **_odd(draw, wild)}) + "\n" for n in range(count)
        )
    elif kind == "table":
        text = "\n".join(
            json.dumps({"ds": f"2024-01-{n:02}", "y": n, **_odd(draw, wild)}) for n in range(1, 25)
        )
    else:
        text = json_rows(draw, ("text", "label", "split"), count, wild)
    data = text.encode()
    if draw.random() < 0.35:
        data = mutated(draw, data, 3)
    settings = (
        flags(draw) if draw.random() < 0.3 else {"frequency": "D"} if kind == "gluonts" else {}
    )

    def read(folder: Path) -> object:
        path = folder / "t.jsonl"
        if kind == "metrics":
            return read_metrics(path)
        if kind == "labeled":
            return read_labeled(Files((path,)))
        return read_panel(Files((path,)), asked(settings))

    return Input({"t.jsonl": data}, read)


def _odd(draw: Random, wild: float) -> dict[str, Any]:
    return {draw.choice(("step", "y", "ds", "x")): value(draw)} if draw.random() < wild else {}


def _series(draw: Random, wild: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "start": "2024-01-01",
        "target": [draw.gauss(0, 1) for _ in range(draw.randint(1, 20))],
    }
    for name in (
        "item_id",
        "freq",
        "feat_static_cat",
        "feat_dynamic_real",
        "feat_static_real",
        "start",
        "target",
    ):
        if draw.random() < wild:
            row[name] = value(draw)
    return row


def predictor(draw: Random) -> Input:
    """The folder of a predictor with something changed, loaded and asked once."""
    task = draw.choice(tuple(runs()))
    files = {
        n.removeprefix("predictor/"): c
        for n, c in _content(task).items()
        if n.startswith("predictor/")
    }
    header = json.loads(files.pop("predictor.json"))
    for _ in range(some(draw, (0, 2, 3), 1)):
        if draw.random() < 0.7:
            _change(draw, header["settings"])
        else:
            name = draw.choice(sorted(files))
            files[name] = _damaged(draw, name, files[name])
    if draw.random() < 0.1:
        _change(draw, header)
    if isinstance(header.get("files"), dict):
        header["files"] = {
            n: _hash(files[n]) if n in files else h for n, h in header["files"].items()
        }
    header["sha256"] = SEAL
    files["predictor.json"] = sealed(json.dumps(header).encode())

    def read(folder: Path) -> object:
        loaded = load(folder)
        inputs = {"language-model": ["a cat"], "classify": ["a b"], "translation": ["a b"]}.get(
            task
        )
        return list(loaded.predict(inputs))

    return Input(files, read)


def run(draw: Random) -> Input:
    """A run directory with something changed, opened to be evaluated or trained on."""
    task = draw.choice(tuple(runs()))
    files = dict(_content(task))
    for _ in range(some(draw, (2, 3), 1)):
        name = draw.choice(sorted(name for name in files if not name.endswith((".png", LIST))))
        files[name] = _damaged(draw, name, files[name])
    again = draw.random() < 0.5

    def read(folder: Path) -> object:
        for listed in folder.rglob(LIST):
            write_list(listed.parent)
        if not again:
            return open_task(folder, None, {})
        opened, checkpoint = reopen(folder)
        from elman.training.optim import make_optimizer
        from elman.training.progress import Training

        optimizer = make_optimizer(opened.predictor.network, opened.task.config)
        training = Training(
            opened.task.objective(opened.predictor), optimizer, opened.task.source()
        )
        return None if checkpoint is None else training.restore(checkpoint)

    return Input(files, read)


def _change(draw: Random, tree: dict[str, Any]) -> None:
    """One value somewhere in a tree is another, or is gone."""
    name = draw.choice(sorted(tree))
    inner = tree[name]
    if isinstance(inner, dict) and inner and draw.random() < 0.8:
        _change(draw, inner)
    elif draw.random() < 0.15:
        del tree[name]
    else:
        tree[name] = value(draw) if draw.random() < 0.5 else draw.choice(_ODD)


def _damaged(draw: Random, name: str, content: bytes) -> bytes:
    if name.endswith((".json", ".jsonl")) and draw.random() < 0.7:
        try:
            tree = json.loads(content)
        except ValueError:
            return mutated(draw, content, 2)
        if isinstance(tree, dict) and tree:
            _change(draw, tree)
        else:
            tree = value(draw)
        return _sealed(json.dumps(tree).encode())
    changed = lying(draw, content) if draw.random() < 0.3 else mutated(draw, content, 2)
    return _sealed(changed)


def _sealed(content: bytes) -> bytes:
    try:
        return sealed(content)
    except (IndexError, ValueError):
        return content


def _hash(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


KINDS: dict[str, Generator] = {
    "toml": toml,
    "json": json_lines,
    "predictor": predictor,
    "run": run,
}
