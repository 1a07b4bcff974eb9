"""The tasks `classify` and `sentiment`: a label for a sequence, or for each step of it.

Legend: T time, B batch, N rows, S steps of all rows together, K classes, V vocabulary.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from elman.data.given import Given
from elman.data.labeled.encoded import Bucketed, Encoded
from elman.data.tables.table import BadRows
from elman.diagnostics.activations import Activations
from elman.errors import InputError
from elman.models.cells import check_cell
from elman.predictors.classifier import ClassifierPredictor
from elman.predictors.classifier_inputs import LabeledRowOptions
from elman.predictors.classifier_outputs import activations_of_numbers
from elman.predictors.classifier_sound_activations import activations_of_sound
from elman.settings import Options
from elman.tasks.classify.classifier_task import ClassifierTask
from elman.tasks.classify.config import ClassifyConfig, SentimentConfig
from elman.tasks.classify.data import ClassifyData, open_data, prepare
from elman.tasks.classify.initialize import paces
from elman.tasks.classify.sounds import vary_of
from elman.tasks.task import text_of


class ClassifyTask(ClassifierTask[ClassifyConfig]):
    """Learn labels from rows of texts, words, numbers or audio."""

    name: ClassVar[str] = "classify"
    summary: ClassVar[str] = (
        "Label texts, sequences of numbers or audio, as a whole or step by step."
    )
    Config = ClassifyConfig
    Evaluation: ClassVar[type[Options]] = LabeledRowOptions
    data_help: ClassVar[str] = (
        "a table (CSV, TSV, JSONL, Parquet) of texts and labels, CoNLL columns, or sequences of"
        " numbers (.npz, .jsonl, .ts, a folder of CSVs), or audio: a table of paths and labels, a"
        " folder for each label; or train, valid and test of these"
    )
    common: ClassVar[tuple[str, ...]] = (
        *(
            "delimiter",
            "encoding",
            "text_column",
            "label_column",
            "label_first",
            "per_step",
            "unit",
            "from_run",
            "vectors",
            *("audio_column", "audio_root", "rate", "window", "speeds", "noise"),
        ),
        *("cell", "hidden_size", "num_layers", "bidirectional", "pooling", "dropout"),
        *("class_weights", "batch_size", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "patience", "seed", "threads", "device"),
    )

    @classmethod
    def prepare(cls, config: ClassifyConfig, given: Given | None, folder: Path) -> ClassifyData:
        """Encode the rows and fit the baselines; see `Task.prepare`."""
        check_cell(config.cell)
        prepare(config, given, folder)
        return open_data(config, folder)

    @classmethod
    def open(cls, config: ClassifyConfig, folder: Path) -> ClassifyData:
        return open_data(config, folder)

    def make(self) -> ClassifierPredictor:
        schema, encoder, start = self.data.schema, self.data.encoder, self.data.start
        config = self.config.model_copy(update=dict(start.settings))
        given = config.embedding_size or config.hidden_size
        width = len(schema.channels) if encoder.words is None else given
        architecture = self.architecture(config, width)
        model = architecture.make(schema, encoder)
        model.load_state_dict(start.weights, strict=False)
        model.paces = paces([name for name, _ in model.named_parameters()], config)
        return ClassifierPredictor(model, schema, encoder, architecture)

    def source(self) -> Bucketed:
        train, vary = self.data.splits["train"], None
        if (sounds := self.data.encoder.sounds) is not None:
            vary = vary_of(self.config, sounds.front_end)
        return Bucketed(
            train,
            self.config.batch_size,
            self.config.seed,
            shares=self.data.shares,
            vary=vary,
        )

    def others(self, given: Given, options: Options, bad: BadRows) -> Mapping[str, Encoded]:
        assert isinstance(options, LabeledRowOptions)
        return self.data.labeled(given, options, bad)

    def activations(
        self, predictor: ClassifierPredictor, sequence: str | Path | None
    ) -> Activations:
        """Those of a text or a recording, or of the first validation row of numbers or sounds."""
        sounds = predictor.encoder.sounds
        if sounds is not None:
            if isinstance(sequence, str):
                raise InputError(f"{predictor.name}: hears recordings; give one with --audio")
            if sequence is not None:
                return predictor.activations(sequence)
        text = text_of(sequence, predictor.name)
        if text is not None:
            return predictor.activations(text)
        if predictor.encoder.words is not None:
            raise InputError(f"{predictor.name}: this classifier reads text; give some with --text")
        title = f"{predictor.name}, first validation row"
        valid = self.data.splits["valid"]
        if sounds is not None:
            frames = np.array(valid.steps[: valid.offsets[1]])
            return activations_of_sound(predictor.model, predictor.schema, sounds, frames, title)
        row = valid.row(0)
        return activations_of_numbers(predictor.model, predictor.schema, row, title)

    def next_steps(self, run: str) -> list[str]:
        if self.data.schema.inputs == "audio":
            lines = [
                f"elman predict {run} FILE.wav",
                f"elman predict {run} FOLDER --out OUT.csv",
                f"elman show {run} --plot heard.png",
            ]
        elif self.data.schema.inputs == "numbers":
            lines = [f"elman predict {run} FILE", f"elman show {run}"]
        else:
            lines = [
                f'elman predict {run} --text "…" --explain',
                f"elman predict {run} FILE --out OUT.csv",
                f'elman show {run} --text "…"',
            ]
        if not self.config.both_ways:
            live = "cat FILE.wav | " if self.data.schema.inputs == "audio" else ""
            lines.append(f"{live}elman stream {run}")
        return [*lines, f"elman evaluate {run} FILE"]


class SentimentTask(ClassifyTask):
    """The same under the name of its most common use, on texts."""

    name: ClassVar[str] = "sentiment"
    summary: ClassVar[str] = (
        "Label texts with their sentiment, or anything else; see also classify."
    )
    Config = SentimentConfig
