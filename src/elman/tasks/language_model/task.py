"""The task `language-model`: the probability of each token given all before it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final

from elman.data.batching import TokenChunks
from elman.data.given import Given
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.evaluation.perplexity import Split
from elman.evaluation.report import Report
from elman.models.cells import cell_options, check_cell
from elman.predictors.language_model import Architecture, LanguageModelPredictor
from elman.settings import Options
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.data import LanguageModelData, encoded, prepare, reopen
from elman.tasks.language_model.diagnosis_input import text_diagnosis_input
from elman.tasks.language_model.objective import LanguageModelObjective, measured_loss
from elman.tasks.task import Task


@final
class LanguageModelTask(Task[LanguageModelConfig, LanguageModelData, LanguageModelPredictor]):
    """Train on a text, whose end is held out."""

    name: ClassVar[str] = "language-model"
    summary: ClassVar[str] = "Predict each character, piece or word of a text, and write with it."
    Config = LanguageModelConfig
    counted: ClassVar[str] = "tokens"
    data_help: ClassVar[str] = (
        "a file or a folder (cut 90/5/5 by position), or train, valid and test files"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("unit", "vocab_size", "cell", "hidden_size", "num_layers", "dropout"),
        *("batch_size", "truncation", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "patience", "seed", "threads", "device"),
    )

    @classmethod
    def prepare(
        cls, config: LanguageModelConfig, given: Given | None, folder: Path
    ) -> LanguageModelData:
        check_cell(config.cell)
        data = prepare(config, given, folder)
        cls(config, data).source()  # a text too short for its batches is said now
        return data

    @classmethod
    def open(cls, config: LanguageModelConfig, folder: Path) -> LanguageModelData:
        return reopen(folder)

    def describe(self) -> list[str]:
        lines = [
            f"{name:<5} {split.counts.tokens:>11,} tokens"
            f"  {split.counts.characters:>11,} characters"
            for name, split in self.data.splits.items()
        ]
        return [*lines, f"vocabulary {self.data.tokenizer.vocab_size:,} ({self.config.unit})"]

    def make(self) -> LanguageModelPredictor:
        config, tokenizer = self.config, self.data.tokenizer
        architecture = Architecture(
            cell=config.cell,
            options=cell_options(config),
            embedding_size=config.embedding_width,
            hidden_size=config.hidden_size,
            num_layers=config.num_layers,
            tied=config.is_tied,
            readout=config.readout,
            embedding_dropout=config.embedding_dropout,
            input_dropout=config.dropout_of("input"),
            hidden_dropout=config.dropout_of("hidden"),
            output_dropout=config.dropout_of("output"),
            locked_dropout=config.locked_dropout,
            init_range=config.init_range,
        )
        model = architecture.make(tokenizer.vocab_size)
        return LanguageModelPredictor(model, tokenizer, architecture)

    def objective(self, predictor: LanguageModelPredictor) -> LanguageModelObjective:
        return LanguageModelObjective(predictor, self.config, self.data)

    def source(self) -> TokenChunks:
        return TokenChunks(
            self.data.splits["train"].tokens,
            self.config.batch_size,
            self.config.truncation,
            self.data.tokenizer.start_id,
            random_length=self.config.random_truncation,
            seed=self.config.seed,
        )

    def evaluate(
        self, predictor: LanguageModelPredictor, given: Given | None, options: Options
    ) -> Report:
        if given is None:
            held_out = [
                (name, split.cut(self.config.eval_tokens))
                for name, split in self.data.splits.items()
                if name != "train"
            ]
            return self._report(predictor, held_out)
        with encoded(given, predictor.tokenizer) as texts:
            return self._report(predictor, texts)

    def activations(self, predictor: LanguageModelPredictor, text: str | None) -> Activations:
        if text is None:
            raise InputError(f"{predictor.name}: reads text; give some with --text")
        return predictor.activations(text)

    def diagnosis_input(
        self,
        predictor: LanguageModelPredictor,
        given: Given | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        model, config = predictor.model, self.config
        if given is None:
            tokens = self.data.splits["valid"].tokens
            return text_diagnosis_input(model, tokens, config, max_lag=max_lag, needs=needs)
        with encoded(given, predictor.tokenizer) as texts:
            if len(texts) > 1:
                raise InputError(f"{len(texts)} texts to diagnose on; give one")
            ((_, split),) = texts
            return text_diagnosis_input(model, split.tokens, config, max_lag=max_lag, needs=needs)

    def next_steps(self, run: str) -> list[str]:
        return [
            f'elman generate {run} --prompt "The " --length 500 --temperature 0.8',
            f'elman show {run} --text "The "',
            f"elman diagnose {run}",
            f"elman evaluate {run}",
            f"elman predict {run} FILE",
        ]

    def _report(self, predictor: LanguageModelPredictor, splits: list[tuple[str, Split]]) -> Report:
        return Report(
            [
                score
                for name, split in splits
                for score in measured_loss(predictor, self.config, split).scores(name)
            ]
        )
