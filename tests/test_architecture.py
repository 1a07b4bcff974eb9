"""The rules that keep the house in order, and proof that each of them can fail.

A checker takes the root of a tree and returns its complaints, one line each. The project's own
tree must draw none; a small wrong tree must draw the one that it was built for.
"""

import ast
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

import elman

ROOT = Path(__file__).parent.parent

# Modules that every part may import; what a leaf itself imports is in the table.
LEAVES = (
    *("bounds", "checksums", "errors", "files", "machine", "numbers", "parse", "settings"),
    *("tensors", "version"),
)
MODELS = ("models", "layers", "kernels")
BESIDE = ("plots", "evaluation", "diagnostics", "decoding", "streaming", "data")
PREDICTORS = ("predictors", *BESIDE, *MODELS)
# What each part of elman may import besides itself and LEAVES. A dotted name opens one module only.
MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "errors": (),
    "bounds": ("errors",),
    "parse": ("bounds",),
    "machine": ("errors", "parse"),
    "files": ("errors",),
    "checksums": ("bounds", "errors", "files", "parse"),
    "numbers": (),
    "version": (),
    "settings": ("bounds", "errors", "parse"),
    "tensors": ("checksums", "errors", "files", "parse"),
    "kernels": (),
    "layers": ("kernels",),
    "models": ("layers", "kernels"),
    "data": (),
    "streaming": ("layers.lengths", "layers.state", "data.given", "data.tokenizer"),
    "decoding": ("layers.state", "streaming"),
    "diagnostics": ("layers.instrument", "layers.state"),
    "evaluation": (*MODELS, "data", "streaming"),
    "plots": ("data", "diagnostics", "evaluation"),
    "training": ("layers", "data", "streaming", "diagnostics"),
    "predictors": (*BESIDE, *MODELS),
    "serving": PREDICTORS,
    "export": PREDICTORS,
    "tasks": ("training", *PREDICTORS),
    "studies": ("tasks", "training", *PREDICTORS),
    "cli": ("studies", "serving", "export", "tasks", "training", *PREDICTORS),
}
MAX_LINES = {".py": 500, ".cpp": 500, ".h": 500}
TEXT = {".py", ".md", ".toml", ".txt", ".yaml", ".yml", ".cpp", ".h", ".json", ".css", ""}
# A path that only exists on somebody's own machine.
MACHINE_PATH = re.compile(r"(?<![\w.~$}>/-])(?:/(?:home|root|Users|work)/|[A-Z]:\\Users\\)")


def modules(root: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Each source file with the parts of its name below `elman`; `()` is the package itself."""
    package = root / "src" / "elman"
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package).with_suffix("").parts
        yield path, parts[:-1] if parts[-1] == "__init__" else parts


def imports(path: Path, known: set[tuple[str, ...]]) -> Iterator[tuple[int, tuple[str, ...]]]:
    """Line and target of each import from elman: at the top, inside functions, for types alone.

    `from elman.layers import state` reaches a module, `from elman.layers import State` a name;
    `known`, the modules there are, tells one from the other.
    """
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names = [alias.name.split(".") for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            base = node.module.split(".")
            names = [[*base, a.name] if (*base[1:], a.name) in known else base for a in node.names]
        else:
            continue
        yield from ((node.lineno, tuple(name[1:])) for name in names if name[0] == "elman")


def import_directions(root: Path) -> list[str]:
    """Imports against the direction of the arrows, and parts without a rule."""
    known = {parts for _, parts in modules(root)}
    complaints = []
    for path, parts in modules(root):
        if parts in ((), ("__main__",)):  # the public names, and `python -m elman`, reach anything
            continue
        here = parts[0]
        if here not in MAY_IMPORT:
            complaints.append(f"{path.relative_to(root)}: no rule says what {here} may import")
            continue
        allowed = MAY_IMPORT[here] + (() if here in LEAVES else LEAVES)
        for line, target in imports(path, known):
            name = ".".join(target)
            if not any(f"{name}.".startswith(f"{a}.") for a in (here, *allowed)):
                complaints.append(f"{path.relative_to(root)}:{line}: {here} imports elman.{name}")
    return complaints


def circles(root: Path) -> list[str]:
    """Modules that import one another, directly or by way of others.

    They are the strongly connected components of the import graph (Tarjan 1972), whose edges
    include imports inside functions and under TYPE_CHECKING.
    """
    found = {parts: path for path, parts in modules(root)}
    graph = {
        parts: {
            target if target in found else target[:-1] for _, target in imports(path, set(found))
        }
        & found.keys()
        for parts, path in found.items()
        if parts  # the public names, which import anything
    }
    number: dict[tuple[str, ...], int] = {}
    lowest: dict[tuple[str, ...], int] = {}
    stack: list[tuple[str, ...]] = []
    complaints = []

    def visit(module: tuple[str, ...]) -> None:
        number[module] = lowest[module] = len(number)
        stack.append(module)
        for target in graph[module] & graph.keys():
            if target not in number:
                visit(target)
            if target in stack:
                lowest[module] = min(lowest[module], lowest[target])
        if lowest[module] == number[module]:
            start = stack.index(module)
            component = sorted(".".join(parts) for parts in stack[start:])
            del stack[start:]
            if len(component) > 1:
                complaints.append(f"{', '.join(component)} import one another")

    for module in graph:
        if module not in number:
            visit(module)
    return complaints


# What a kind of task or predictor can do stands in its type, so nothing is asked at run time.
UNTYPED = {
    "hasattr(": re.compile(r"\bhasattr\("),
    "cast(Path": re.compile(r"\bcast\(\s*['\"]?(?:pathlib\.)?Path\b"),
    "assert isinstance(model": re.compile(r"\bassert isinstance\(\s*(?:\w+\.)*model\b"),
}


def untyped_abilities(root: Path) -> list[str]:
    """Abilities that are asked of a value at run time, in the parts that know all kinds."""
    return [
        f"{path.relative_to(root)}:{text.count(chr(10), 0, match.start()) + 1}: {what}"
        for path, parts in modules(root)
        if parts and parts[0] in ("tasks", "predictors", "studies", "cli")
        for text in [path.read_text(encoding="utf-8")]
        for what, pattern in UNTYPED.items()
        for match in pattern.finditer(text)
    ]


# What counts, averages or gathers while something runs; every other dataclass is a value.
CHANGING = {
    *("Average", "BadRows", "Progress", "Reader", "Tally", "Training"),
    *("_Chunk", "_Forecasting", "_Rows", "_Worker"),
}


def values(root: Path) -> list[str]:
    """Dataclasses that can be changed in place, though they are values."""
    return [
        f"{path.relative_to(root)}:{node.lineno}: {node.name} is not frozen"
        for path, _ in modules(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef) and node.name not in CHANGING
        for decorator in map(ast.unparse, node.decorator_list)
        if decorator.startswith("dataclass") and "frozen=True" not in decorator
    ]


def relative_imports(root: Path) -> list[str]:
    """Imports that begin with a dot, which the check of directions doesn't follow."""
    return [
        f"{path.relative_to(root)}:{node.lineno}: a relative import"
        for path, _ in modules(root)
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]


def files(root: Path) -> Iterator[Path]:
    """The project's own text files, whatever lies beside them untracked."""
    skipped = {"build", "dist", "runs", "site", "__pycache__"}
    for path in sorted(root.iterdir()):
        if path.is_dir() and path.name not in skipped:
            if not path.name.startswith(".") or path.name == ".ci":
                yield from files(path)
        elif path.is_file() and path.suffix in TEXT and path.name != ".git":
            yield path


def file_sizes(root: Path) -> list[str]:
    """Source files that have grown too long to be read at one sitting."""
    complaints = []
    for path in files(root):
        limit = MAX_LINES.get(path.suffix)
        lines = len(path.read_text(encoding="utf-8").splitlines()) if limit else 0
        if limit and lines > limit:
            complaints.append(f"{path.relative_to(root)}: {lines} lines, at most {limit}; split it")
    return complaints


def machine_paths(root: Path) -> list[str]:
    """Lines that name a folder of one machine."""
    return [
        f"{path.relative_to(root)}:{number}: a path of one machine"
        for path in files(root)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATH.search(line)
    ]


def exports(module: ModuleType) -> list[str]:
    """Where `__all__` and what can be imported differ."""
    listed = list(module.__all__)
    complaints = [f"{name} is listed twice" for name in set(listed) if listed.count(name) > 1]
    complaints += [f"{name} cannot be imported" for name in listed if not hasattr(module, name)]
    complaints += [
        f"{name} can be imported and is not listed"
        for name, value in vars(module).items()
        if not name.startswith("_") and name not in listed and not isinstance(value, ModuleType)
        if getattr(value, "__module__", "").startswith(module.__name__)
    ]
    return complaints


CHECKS = [
    import_directions,
    relative_imports,
    circles,
    untyped_abilities,
    values,
    file_sizes,
    machine_paths,
]


@pytest.mark.parametrize("check", CHECKS)
def test_the_project_keeps(check: Callable[[Path], list[str]]) -> None:
    assert check(ROOT) == []


def test_every_rule_names_parts_that_have_a_rule() -> None:
    targets = {allowed.split(".")[0] for row in MAY_IMPORT.values() for allowed in row}
    assert targets <= set(MAY_IMPORT)


def test_the_arrows_make_no_circle() -> None:
    order: list[str] = []
    while len(order) < len(MAY_IMPORT):
        settled = [
            part
            for part, row in MAY_IMPORT.items()
            if part not in order and all(target.split(".")[0] in order for target in row)
        ]
        assert settled, f"{set(MAY_IMPORT) - set(order)} import one another"
        order += settled


def test_the_public_names() -> None:
    assert exports(elman) == []
    assert elman.__doc__


@pytest.mark.parametrize(
    "name", [m.name for m in pkgutil.iter_modules(elman.__path__, "elman.") if m.ispkg]
)
def test_the_names_of_each_part(name: str) -> None:
    module = importlib.import_module(name)
    assert not hasattr(module, "__all__") or exports(module) == []


@pytest.mark.parametrize(
    ("check", "file", "text", "complaint"),
    [
        (import_directions, "layers/rnn.py", "from elman.models import lm", "elman.models"),
        (import_directions, "layers/rnn.py", "import elman.training.loop", "elman.training.loop"),
        (import_directions, "layers/rnn.py", "from elman import RNN", "layers imports elman."),
        (import_directions, "training/loop.py", "def f():\n import elman.tasks", "elman.tasks"),
        (import_directions, "training/a.py", "from elman.models.lm import L", "elman.models.lm"),
        (import_directions, "data/a.py", "if 0:\n from elman.layers import x", "data imports"),
        (import_directions, "streaming/a.py", "from elman.layers import rnn", "elman.layers"),
        (import_directions, "streaming/a.py", "from elman.layers.stately import x", "stately"),
        (import_directions, "streaming/a.py", "import elman.data.text", "elman.data.text"),
        (import_directions, "evaluation/a.py", "from elman.plots import probe", "elman.plots"),
        (import_directions, "plots/a.py", "import elman.predictors.explain", "elman.predictors"),
        (import_directions, "predictors/a.py", "import elman.training.config", "elman.training"),
        (import_directions, "predictors/a.py", "import elman.tasks.task", "elman.tasks.task"),
        (import_directions, "tasks/a.py", "import elman.studies.probe", "elman.studies.probe"),
        (import_directions, "studies/a.py", "import elman.cli.main", "elman.cli.main"),
        (import_directions, "serving/a.py", "from elman.tasks import runs", "elman.tasks"),
        (import_directions, "export/a.py", "import elman.training.loop", "elman.training.loop"),
        (import_directions, "errors.py", "import elman.files", "errors imports elman.files"),
        (import_directions, "tensors.py", "import elman.layers", "tensors imports elman.layers"),
        (import_directions, "utils/a.py", "", "no rule"),
        (relative_imports, "layers/rnn.py", "from . import state", "a relative import"),
        (values, "data/a.py", "@dataclass\nclass A: ...", "data/a.py:2: A is not frozen"),
        (values, "data/a.py", "@dataclass(frozen=False)\nclass A: ...", "A is not frozen"),
        (untyped_abilities, "tasks/a.py", "x = hasattr(task, 'stream')", "tasks/a.py:1: hasattr("),
        (untyped_abilities, "cli/a.py", "\nx = cast(Path, given)", "cli/a.py:2: cast(Path"),
        (untyped_abilities, "cli/a.py", "x = cast('Path | None', given)", "cast(Path"),
        (untyped_abilities, "predictors/a.py", "x = cast(\n  Path, given)", "cast(Path"),
        (untyped_abilities, "studies/a.py", "assert isinstance(model, LM)", "isinstance(model"),
        (untyped_abilities, "tasks/b.py", "assert isinstance(self.model, LM)", "isinstance(model"),
        (file_sizes, "layers/long.py", "x = 1\n" * 501, "501 lines"),
        (machine_paths, "layers/a.py", "p = '/" + "home/ada/text'", "a path of one machine"),
        (machine_paths, "layers/a.py", "p = 'C:" + r"\Users\ada'", "a path of one machine"),
    ],
)
def test_a_wrong_tree_is_noticed(
    tmp_path: Path, check: Callable[[Path], list[str]], file: str, text: str, complaint: str
) -> None:
    path = tmp_path / "src" / "elman" / file
    path.parent.mkdir(parents=True)
    path.write_text(text, encoding="utf-8")
    (found,) = check(tmp_path)
    assert complaint in found


def write(root: Path, tree: dict[str, str]) -> None:
    for file, text in tree.items():
        path = root / "src" / "elman" / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    ("tree", "named"),
    [
        (
            {"data/a.py": "import elman.data.b", "data/b.py": "import elman.data.a"},
            "data.a, data.b",
        ),
        (
            {
                "data/a.py": "from elman.data.b import B",
                "data/b.py": "def f():\n from elman.data import c",
                "data/c.py": "if TYPE_CHECKING:\n from elman.data.a import A",
                "data/d.py": "import elman.data.a",
            },
            "data.a, data.b, data.c",
        ),
        (
            {
                "data/x/__init__.py": "from elman.data.x.y import Y",
                "data/x/y.py": "import elman.data.x",
            },
            "data.x, data.x.y",
        ),
    ],
)
def test_a_circle_between_files_is_noticed(
    tmp_path: Path, tree: dict[str, str], named: str
) -> None:
    write(tmp_path, tree)
    assert circles(tmp_path) == [f"{named} import one another"]


def test_two_circles_are_two_complaints(tmp_path: Path) -> None:
    names = ("a", "b"), ("c", "d")
    write(
        tmp_path,
        {f"data/{x}.py": f"import elman.data.{y}" for pair in names for x, y in (pair, pair[::-1])},
    )
    assert len(circles(tmp_path)) == 2


def test_a_right_tree_is_left_alone(tmp_path: Path) -> None:
    tree = {
        "layers/state.py": "from elman.kernels import choose\nfrom elman.errors import InputError",
        "streaming/stream.py": "from elman.layers.state import State\nimport numpy",
        "decoding/a.py": "from elman.layers import state\nfrom elman.streaming import stream",
        "plots/a.py": "from elman.evaluation.report import Report\nimport elman.diagnostics.reach",
        "predictors/run.py": "from elman.plots import a\nimport elman.tensors",
        "tasks/run.py": "from elman.training import loop\nimport elman.predictors.run",
        "tasks/b.py": "import elman.tasks.run\nassert isinstance(modeled, str)\ncast('Paths', x)",
        "layers/b.py": "hasattr(x, 'y')",
        "__init__.py": "from elman.layers.state import State",
        "cli/main.py": "TEXT = 'x'\n" * 500,
    }
    write(tmp_path, tree)
    assert [complaint for check in CHECKS for complaint in check(tmp_path)] == []


def test_wrong_exports_are_noticed() -> None:
    module = ModuleType("wrong")
    exec("__all__ = ['a', 'a', 'b']\na = 1\ndef c(): ...", vars(module))
    assert sorted(exports(module)) == [
        "a is listed twice",
        "b cannot be imported",
        "c can be imported and is not listed",
    ]
