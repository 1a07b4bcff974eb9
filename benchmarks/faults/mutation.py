"""Mutants: where the source can be changed, and how.

The operators are those of cosmic-ray. Annotations are left out, since nothing evaluates them, and
`strict=` of `zip`, which only asserts.
"""

from __future__ import annotations

import ast
import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from cosmic_ray.ast import get_ast
from cosmic_ray.mutating import MutationVisitor
from cosmic_ray.operators.provider import OperatorProvider

OPERATORS = (
    "AddNot",
    "ExceptionReplacer",
    "NumberReplacer",
    "ReplaceAndWithOr",
    "ReplaceOrWithAnd",
    "ReplaceBreakWithContinue",
    "ReplaceContinueWithBreak",
    "ReplaceTrueWithFalse",
    "ReplaceFalseWithTrue",
    "ReplaceUnaryOperator_Delete_Not",
    "ReplaceUnaryOperator_USub_UAdd",
    "ZeroIterationForLoop",
    "ReplaceBinaryOperator_Add_Sub",
    "ReplaceBinaryOperator_Sub_Add",
    "ReplaceBinaryOperator_Mul_Div",
    "ReplaceBinaryOperator_Div_Mul",
    "ReplaceBinaryOperator_FloorDiv_Mul",
    "ReplaceBinaryOperator_Mod_FloorDiv",
    "ReplaceBinaryOperator_Pow_Mul",
    "ReplaceBinaryOperator_BitAnd_BitOr",
    "ReplaceBinaryOperator_BitOr_BitAnd",
)
COMPARISONS = "ReplaceComparisonOperator"


@dataclass(frozen=True)
class Mutant:
    """One change of one file.

    Attributes:
        name: the place and the operator, which stay while the file does.
        path: the file, from the root of the project.
        lines: first and last line of the statement that is changed.
        before, after: the changed line.
        source: the whole mutated file.
    """

    name: str
    path: str
    lines: tuple[int, int]
    before: str
    after: str
    source: str


@dataclass(frozen=True)
class _Place:
    path: Path
    operator: str
    occurrence: int
    line: int
    column: int


def draw(root: Path, paths: Sequence[Path], count: int, rng: random.Random) -> list[Mutant]:
    """`count` mutants of as many places, each place as likely as any other."""
    sites: dict[tuple[Path, int, int], list[_Place]] = defaultdict(list)
    for path in paths:
        for place in _places(path):
            sites[place.path, place.line, place.column].append(place)
    mutants: list[Mutant] = []
    order = list(sites.values())
    rng.shuffle(order)
    for choices in order:
        mutant = _mutant(root, rng.choice(choices))
        if mutant is not None:
            mutants.append(mutant)
        if len(mutants) == count:
            break
    return mutants


@cache
def _operators() -> dict[str, Any]:
    provider = OperatorProvider()
    return {name: provider[name]() for name in provider if name in OPERATORS or COMPARISONS in name}


def _places(path: Path) -> Iterator[_Place]:
    text = path.read_text(encoding="utf-8")
    ignored = list(_ignored(ast.parse(text)))
    counts: Counter[str] = Counter()
    nodes = [get_ast(text)]
    while nodes:  # in the order in which cosmic-ray counts occurrences
        node = nodes.pop()
        for name, operator in _operators().items():
            for (line, column), _ in operator.mutation_positions(node):
                if not any(begin <= (line, column) < end for begin, end in ignored):
                    yield _Place(path, name, counts[name], line, column)
                counts[name] += 1
        nodes += reversed(getattr(node, "children", ()))


def _ignored(tree: ast.Module) -> Iterator[tuple[tuple[int, int], tuple[int, int]]]:
    """The stretches of a file that hold types, and the assertion `strict=` of `zip`."""
    for node in ast.walk(tree):
        found: list[ast.expr | ast.stmt | None] = []
        if isinstance(node, ast.AnnAssign):
            alias = "TypeAlias" in ast.unparse(node.annotation)
            found = [node.annotation, node.value if alias else None]
        elif isinstance(node, ast.arg):
            found = [node.annotation]
        elif isinstance(node, ast.FunctionDef):
            found = [node.returns]
        elif isinstance(node, ast.keyword) and node.arg == "strict":
            found = [node.value]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "cast":
            found = [node.args[0]]
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            found = [node]
        for each in found:
            if each is not None and each.end_lineno and each.end_col_offset is not None:
                yield (each.lineno, each.col_offset), (each.end_lineno, each.end_col_offset)


def _mutant(root: Path, place: _Place) -> Mutant | None:
    text = place.path.read_text(encoding="utf-8")
    mutated = MutationVisitor.mutate_code(text, _operators()[place.operator], place.occurrence)
    if mutated is None or mutated == text:
        return None
    try:
        ast.parse(mutated)
    except SyntaxError:
        return None
    before, after = text.splitlines(), mutated.splitlines()
    changed = next(n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b)
    name = place.path.relative_to(root).as_posix()
    return Mutant(
        f"{name}:{place.line}:{place.column} {place.operator.removeprefix('Replace')}",
        name,
        _statement(ast.parse(text), place.line),
        before[changed],
        after[changed],
        mutated,
    )


def _statement(tree: ast.Module, line: int) -> tuple[int, int]:
    """The innermost statement around a line; of one with a body its head alone."""
    found = (line, line)
    for node in ast.walk(tree):
        if isinstance(node, ast.stmt) and node.lineno <= line <= (node.end_lineno or line):
            body = getattr(node, "body", None)
            last = body[0].lineno - 1 if body else node.end_lineno
            found = (node.lineno, max(line, last or line))
    return found
