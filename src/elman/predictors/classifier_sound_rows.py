"""What a classifier of sounds says of recordings that are files, tables of them, or arrays."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import numpy as np

from elman.data.audio.dataset import read_unlabeled
from elman.data.given import Files, Given
from elman.data.labeled.encoded import Encoded
from elman.data.tables.table import BadRows
from elman.errors import InputError
from elman.models.classifier import Classifier
from elman.predictors.classifier_inputs import Encoder, Row, RowOptions, Schema
from elman.predictors.classifier_outputs import answered, probabilities_of

LOG = logging.getLogger("elman")

SILENCE = "digital silence"

_AT_ONCE = 256
"""Recordings that are answered at a time."""


def answers_of_sounds(
    model: Classifier, schema: Schema, encoder: Encoder, inputs: Given | None, options: RowOptions
) -> Iterator[Row]:
    """A row of answers for each recording, with the columns that it came with.

    A `warning` comes last, empty where there is none: of digital silence any answer is a guess.
    """
    assert encoder.sounds is not None
    assert schema.audio is not None
    if inputs is None:
        raise InputError("nothing to classify; give audio")
    parts: list[Given] = [inputs]
    if isinstance(inputs, Files):
        parts = [Files((path,)) for path in inputs.paths]
    bad = BadRows(options.skip_bad_rows)
    columns = options.sounds(schema.audio)
    reader = encoder.sounds.reader(bad, options.limits)
    silent = before = 0
    for part in parts:
        read = read_unlabeled(part, columns, bad, options.limits)
        for begin in range(0, len(read), _AT_ONCE):
            some = read.heard.take(np.arange(begin, min(begin + _AT_ONCE, len(read))))
            heard = encoder.sounds.encode(some, reader)
            rows = Encoded(heard.frames, heard.offsets, None, schema.kind, encoder.window)
            each = zip(heard.rows, heard.silent, probabilities_of(model, rows), strict=True)
            for place, is_silent, found in each:
                row = begin + int(place)
                own = {"row": before + row + 1} if read.cells is None else read.cells[row]
                answer = {**answered(schema, found), "warning": SILENCE if is_silent else ""}
                if both := [name for name in answer if name in own]:
                    raise InputError(
                        f"the table has a column {both[0]!r}, which the answer needs; rename it"
                    )
                silent += is_silent
                yield {**own, **answer}
        before += len(read)
    if silent:
        LOG.warning("%s %s: %s", f"{silent:,}", "row" if silent == 1 else "rows", SILENCE)
    for note in (*bad.notes(), *reader.notes()):
        LOG.warning("%s", note)
