"""The task `speech`: recordings and their transcripts, from which a recognizer learns."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from elman.data.audio.augment import Channel, SpecAugment
from elman.data.audio.dataset import read_more
from elman.data.audio.rows import Utterances
from elman.data.audio.utterances import Augmentation, UtteranceBatches, steps_needed
from elman.data.given import Given
from elman.data.labeled.rows import Floats
from elman.data.tables.table import BadRows
from elman.decoding.ctc import Search
from elman.decoding.ctc_beam import BeamSearch
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.errors import InputError
from elman.evaluation.recognition import errors_of, scores_of, verdict_of
from elman.evaluation.report import Report, Score
from elman.models.acoustic import FrameWindow
from elman.models.cells import cell_options, check_cell
from elman.plots.recognition import draw_errors
from elman.predictors.recognizer import Architecture, RecognizerPredictor
from elman.predictors.recognizer_activations import activations_of_speech
from elman.predictors.recognizer_inputs import can_be_spelled, parts_of
from elman.settings import Options, adapter
from elman.tasks.speech.config import SpeechConfig
from elman.tasks.speech.data import SpeechData, described, open_data, prepare
from elman.tasks.speech.diagnosis_input import (
    MOST_ROWS,
    in_memory,
    longest,
    speech_diagnosis_input,
)
from elman.tasks.speech.evaluation_options import SpeechEvaluation
from elman.tasks.speech.objective import SpeechObjective
from elman.tasks.speech.tuning import said_of, tuned_on, with_fusion
from elman.tasks.task import Task


@final
class SpeechTask(Task[SpeechConfig, SpeechData, RecognizerPredictor]):
    """Learn to recognize speech from recordings and what is said in them."""

    name: ClassVar[str] = "speech"
    summary: ClassVar[str] = "Speech to text: from recordings with transcripts."
    Config = SpeechConfig
    Evaluation: ClassVar[type[Options]] = SpeechEvaluation
    counted: ClassVar[str] = "tokens"
    data_help: ClassVar[str] = (
        "a manifest (JSONL, CSV, TSV) of audio paths and texts, or a folder of audio with"
        " transcripts beside it; or those of train, valid and test"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("audio_column", "text_column", "audio_root", "skip_bad_rows", "unit", "lower"),
        *("rate", "window", "stride"),
        *("cell", "hidden_size", "num_layers", "bidirectional", "dropout", "speeds", "noise"),
        *("batch_size", "learning_rate", "max_steps", "max_minutes", "eval_every"),
        *("checkpoint_every", "patience", "seed", "threads"),
    )

    @classmethod
    def prepare(cls, config: SpeechConfig, given: Given | None, folder: Path) -> SpeechData:
        """Compute frames and tokens; see `Task.prepare`."""
        check_cell(config.cell)
        if given is None:
            raise InputError("a recognizer is trained on recordings with transcripts; give some")
        prepare(config, given, folder)
        return open_data(folder)

    @classmethod
    def open(cls, config: SpeechConfig, folder: Path) -> SpeechData:
        return open_data(folder)

    def describe(self) -> list[str]:
        data = self.data
        return described(data.notes, data.parts, data.front_end, data.tokenizer)

    def make(self) -> RecognizerPredictor:
        config, data = self.config, self.data
        settings = {**config.model_dump(), **config.dropouts, "options": cell_options(config)}
        architecture = adapter(Architecture).validate_python(settings)
        model = architecture.make(data.front_end.bins, data.tokenizer.vocab_size)
        return RecognizerPredictor(
            model,
            data.tokenizer,
            data.front_end,
            architecture,
            config.spelling,
            columns=data.columns,
        )

    def source(self) -> UtteranceBatches:
        config, rows = self.config, self.data.splits["train"]
        window = FrameWindow(config.window, config.stride)
        has_features = self.data.front_end.bank is None

        def fits(row: int, frames: int) -> bool:
            return steps_needed(rows.tokens.row(row)) <= window.steps(frames)

        channel = None
        if config.channel and not has_features:
            channel = Channel(config.channel, self.data.front_end.scale)
        masks = SpecAugment(
            config.time_masks, config.time_width, config.frequency_masks, config.frequency_width
        )
        return UtteranceBatches(
            rows,
            self.data.frames,
            config.batch_size,
            fits,
            Augmentation(
                (1.0,) if has_features else config.speeds,
                0.0 if has_features else config.noise,
                (config.snr[0], config.snr[1]),
                channel,
                masks if config.time_masks or config.frequency_masks else None,
            ),
            sort_first=config.sorts_first,
            seed=config.seed,
        )

    def objective(self, predictor: RecognizerPredictor) -> SpeechObjective:
        return SpeechObjective(predictor.model, self.config, self.data)

    def evaluate(
        self, predictor: RecognizerPredictor, given: Given | None, options: Options
    ) -> Report:
        """Error rates on the held-out utterances, or on others."""
        chosen = SpeechEvaluation.model_validate(options.model_dump(exclude_unset=True))
        search, verdict = self._search(predictor, chosen)
        scores: list[Score] = []
        figures: dict[str, Callable[[Path], None]] = {}
        bad = BadRows(chosen.skip_bad_rows or self.config.skip_bad_rows)
        for name, texts, frames in self._held_out(predictor, given, chosen, bad):
            heard = [predictor.text(best) for best, *_ in predictor.hypotheses(frames, search)]
            errors = errors_of(texts, heard)
            scores += scores_of(name, errors)
            verdict += verdict_of(name, errors, texts, heard, predictor.tokenizer.unknown)
            figures[f"errors-{Path(name).stem}.png"] = partial(draw_errors, errors, name)
        return Report(scores, [*verdict, *bad.notes()], figures)

    def _search(
        self, predictor: RecognizerPredictor, options: SpeechEvaluation
    ) -> tuple[Search[Any], list[str]]:
        """How texts are searched for, and what was found when that was tuned."""
        search, folder = predictor.search(options), options.tuned_out
        if not (options.tune and isinstance(search, BeamSearch)):
            return search, []
        if folder is not None and folder.exists():
            raise InputError(f"--tuned-out {folder}: is there already; name a new folder")
        tuned = tuned_on(self.data, predictor, search)
        said = said_of(tuned, self.data)
        if folder is not None:
            predictor.with_fusion(tuned.best).save(folder)
            said += f"; kept in {folder}"
        return with_fusion(search, tuned.best), [said]

    def _held_out(
        self,
        predictor: RecognizerPredictor,
        given: Given | None,
        options: SpeechEvaluation,
        bad: BadRows,
    ) -> Iterator[tuple[str, list[str], Iterable[Floats]]]:
        """The name, the texts and the frames of each held-out split, or of what is given.

        The texts are those of the rows that were read, once all frames were taken.
        """
        if given is None:
            for name, texts in self.data.texts.items():
                rows = self.data.splits[name]
                read = (self.data.frames(rows.row(row)) for row in range(len(rows)))
                yield name, list(texts), read
            return
        columns = options.audio_columns(
            predictor.columns, text=options.text_column, asked=options.asked
        )
        for name, part in parts_of(given):
            said = read_more(part, columns, bad, options.limits)
            texts = []
            yield name, texts, self._heard(predictor, said, options, bad, texts)

    def _heard(
        self,
        predictor: RecognizerPredictor,
        said: Utterances,
        options: SpeechEvaluation,
        bad: BadRows,
        texts: list[str],
    ) -> Iterator[Floats]:
        spelled = [predictor.spelling(text) for text in said.texts or ()]
        known = [
            row
            for row, text in enumerate(spelled)
            if can_be_spelled(predictor.tokenizer, text, said.where(row), bad)
        ]
        part = said.take(np.array(known, np.int64))
        for row, frames in predictor.heard(part, bad, options.limits):
            texts.append(spelled[known[row]])
            yield frames

    def activations(
        self, predictor: RecognizerPredictor, sequence: str | Path | None
    ) -> Activations:
        """Those of a recording, or of the first one of validation."""
        if isinstance(sequence, str):
            raise InputError(f"{predictor.name}: hears recordings; give one with --audio")
        if sequence is not None:
            return predictor.activations(sequence)
        frames = self.data.frames(self.data.splits["valid"].row(0))
        title = f"{predictor.name}, first validation row"
        return activations_of_speech(
            predictor.model, predictor.tokenizer, predictor.front_end, frames, title
        )

    def diagnosis_input(
        self, predictor: RecognizerPredictor, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        """The network on the longest validation utterances, or the longest of the first that are
        given.
        """
        if given is None:
            batch = longest(self.data.splits["valid"], self.data.frames)
        else:
            chosen = SpeechEvaluation.model_validate({})
            bad = BadRows(self.config.skip_bad_rows)
            (_, texts, frames), *more = self._held_out(predictor, given, chosen, bad)
            if more:
                raise InputError(f"{len(more) + 1} files to diagnose on; give one")
            heard = list(islice(frames, MOST_ROWS))
            rows = in_memory(heard, map(predictor.tokenizer.encode, texts))
            batch = longest(rows, lambda frames: frames)
        return speech_diagnosis_input(predictor.model, batch, self.config.cell, lags)

    def next_steps(self, run: str) -> list[str]:
        lines = [
            f"elman predict {run} AUDIO",
            f"elman evaluate {run}",
            f"elman show {run} --plot heard.png",
        ]
        return lines if self.config.bidirectional else [*lines, f"elman stream {run} < SPEECH.wav"]
