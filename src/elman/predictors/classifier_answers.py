"""Rows in, rows with labels and probabilities out.

Legend: N rows, S steps of all rows together, K classes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from elman.data.labeled.dataset import read_unlabeled
from elman.data.labeled.rows import Inputs, Origin, Sequences, Texts, Words, offsets_of
from elman.data.labeled.words import words_of
from elman.errors import InputError
from elman.evaluation.classification import predicted
from elman.models.classifier import Classifier
from elman.plots.explain_page import write_page
from elman.predictors.classifier import Array, judge
from elman.predictors.classifier_inputs import Encoder, Schema
from elman.predictors.classifier_options import ClassifyPrediction
from elman.predictors.explain import Explanation, explain
from elman.tasks.task import Given

TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".parquet")
_AT_ONCE = 256

Row = Mapping[str, Any]


def predictions(
    model: Classifier,
    schema: Schema,
    encoder: Encoder,
    given: Given,
    options: ClassifyPrediction,
) -> Iterator[Row]:
    """A row of answers for each row of what was given; for labels at each step, one for each step.

    The columns of a table come first, then `predicted`, its `probability`, and one column
    `p_CLASS` for each class.

    Raises:
        InputError: what can't be read, an empty text, numbers where text was expected.
    """
    explaining = options.explain or options.html is not None
    if explaining and (schema.inputs != "texts"):
        raise InputError("--explain: for runs that label whole texts; leave it out")
    explained: list[Explanation] = []
    for inputs, rows in _read(schema, given, options):
        encoded, ends = encoder.bare(inputs, schema.kind)
        probabilities = judge(model, encoded)
        if schema.kind == "step":
            yield from _steps(
                schema, inputs, probabilities if ends is None else probabilities[ends]
            )
            continue
        for place, (row, found) in enumerate(zip(rows, probabilities, strict=True)):
            answer = dict(answered(schema, found))
            _refuse_clash(row, answer)
            if explaining:
                assert isinstance(inputs, Texts)
                assert encoder.words is not None
                told = explain(model, schema, encoder.words, inputs.texts[place])
                answer["words"] = [asdict(word) for word in told.words]
                if options.html is not None:
                    explained.append(told)
            yield {**row, **answer}
    if options.html is not None:
        write_page(explained, options.html)


def answered(schema: Schema, probabilities: Array) -> Row:
    """The label of one row or step, and the probability (K,) of each."""
    each = {f"p_{name}": float(p) for name, p in zip(schema.names, probabilities, strict=True)}
    if schema.kind == "many":
        there = predicted("many", probabilities)
        names = [name for name, is_there in zip(schema.names, there, strict=True) if is_there]
        return {"predicted": (schema.columns.label_separator or ",").join(names), **each}
    best = int(predicted(schema.kind, probabilities))
    return {"predicted": schema.names[best], "probability": float(probabilities[best]), **each}


def _read(
    schema: Schema, given: Given, options: ClassifyPrediction
) -> Iterator[tuple[Inputs, Sequence[Row]]]:
    """Inputs in parts of any size, with the columns that each row had."""
    path = given.path
    if options.text is not None:
        if path is not None:
            raise InputError(f"--text and {path}: give one of the two")
        if schema.inputs == "numbers":
            raise InputError("--text: this run reads numbers; give a file of them")
        yield _of_lines(schema, [options.text], "--text", 0)
    elif path is not None and (schema.inputs != "texts" or path.suffix.lower() in TABLES):
        found = read_unlabeled(path, schema.columns)
        if not isinstance(found.inputs, schema.reads):
            raise InputError(f"{path}: holds other data than this run was trained on")
        numbered = [{"row": n} for n in range(1, len(found.inputs) + 1)]
        yield found.inputs, numbered if found.cells is None else found.cells
    elif schema.inputs == "numbers":
        raise InputError("this run reads numbers, not lines of text; give a file of them")
    else:
        # Lines that arrive are answered one by one, for who waits for the answer.
        lines, size = given.lines(), 1 if path is None else _AT_ONCE
        read = 0
        while part := list(islice(lines, size)):
            yield _of_lines(schema, part, str(path or "standard input"), read)
            read += len(part)


def _of_lines(
    schema: Schema, lines: Sequence[str], where: str, before: int
) -> tuple[Inputs, Sequence[Row]]:
    for number, line in enumerate(lines, before + 1):
        if not line.strip():
            place = where if where.startswith("--") else f"{where}:{number}"
            raise InputError(f"{place}: an empty text; give one with at least a word in it")
    origin = Origin(
        (Path(where),), np.zeros(len(lines), np.int64), np.arange(len(lines)) + before + 1
    )
    if schema.inputs == "texts":
        return Texts(tuple(lines), origin), [{"text": line} for line in lines]
    rows = [words_of(line) for line in lines]
    words = tuple(word for row in rows for word in row)
    return Words(words, offsets_of([len(row) for row in rows]), origin), [{}] * len(lines)


def _steps(schema: Schema, inputs: Inputs, probabilities: Array) -> Iterator[Row]:
    """A row for each step (S, K): which row and step of the input, and what it is."""
    assert isinstance(inputs, (Words, Sequences))
    for row, begin in enumerate(inputs.offsets[:-1]):
        for step in range(int(inputs.lengths[row])):
            place = begin + step
            what = {"word": inputs.words[place]} if isinstance(inputs, Words) else {}
            here = {"row": row + 1, "step": step + 1, **what}
            yield {**here, **answered(schema, probabilities[place])}


def _refuse_clash(row: Row, answer: Row) -> None:
    both = next((name for name in answer if name in row), None)
    if both is not None:
        raise InputError(f"the table has a column {both!r}, which the answer needs; rename it")
