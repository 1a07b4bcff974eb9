"""The task `language-model`: the probability of each token given all before it."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar, final

import numpy as np
import torch
from torch import Tensor

from elman.data.batching import TokenArray, TokenChunks
from elman.data.given import Given
from elman.data.tokens import TextCounts
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.diagnostics.losses import losses_of
from elman.errors import InputError
from elman.evaluation.perplexity import Split
from elman.evaluation.report import Report
from elman.models.cells import cell_options, check_cell
from elman.models.language_model import LanguageModel
from elman.predictors.language_model import (
    Architecture,
    LanguageModelPredictor,
    ScoreOptions,
)
from elman.settings import Options, adapter
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.language_model.data import LanguageModelData, encoded, prepare, reopen
from elman.tasks.language_model.objective import LanguageModelObjective, measured_loss
from elman.tasks.task import Task, text_of

ROWS = 16
BEYOND = 32
"""Steps of a window beyond the largest lag, over which the losses are spread."""

FEWEST, MOST = 64, 192
"""Between these, three times the truncation is looked at unless another lag is asked for."""

PLURALS = {"char": "characters", "word": "words"}

SHORTEST = 16
MOST_NUMBERS = 2**25
"""Of the outputs of all rows together; rows are left out where the vocabulary is large."""


@final
class LanguageModelTask(Task[LanguageModelConfig, LanguageModelData, LanguageModelPredictor]):
    """Train on a text, whose end is held out."""

    name: ClassVar[str] = "language-model"
    summary: ClassVar[str] = "Predict each character, piece or word of a text, and write with it."
    Config = LanguageModelConfig
    Evaluation: ClassVar[type[Options]] = ScoreOptions
    counted: ClassVar[str] = "tokens"
    data_help: ClassVar[str] = (
        "a file or a folder (cut 90/5/5 by position), or train, valid and test files"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("unit", "encoding", "vocab_size", "cell", "hidden_size", "num_layers", "dropout"),
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
            f"  {split.counts.characters:>11,} characters{_unknown(split.counts)}"
            for name, split in self.data.splits.items()
        ]
        return [
            *self.data.notes,
            *lines,
            f"vocabulary {self.data.tokenizer.vocab_size:,} ({self.config.unit})",
        ]

    def make(self) -> LanguageModelPredictor:
        config, tokenizer = self.config, self.data.tokenizer
        sizes = {"embedding_size": config.embedding_width, "tied": config.is_tied}
        settings = {**config.model_dump(), **sizes, **config.dropouts}
        settings["options"] = cell_options(config)
        architecture = adapter(Architecture).validate_python(settings)
        model = architecture.make(tokenizer.vocab_size)
        encoding = config.encoding or ""
        return LanguageModelPredictor(model, tokenizer, architecture, encoding=encoding)

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
        chosen = ScoreOptions.model_validate(options.model_dump(exclude_unset=True))
        encoding = chosen.encoding or ""
        with encoded(given, predictor.tokenizer, encoding, predictor.encoding) as texts:
            return self._report(predictor, texts)

    def activations(
        self, predictor: LanguageModelPredictor, sequence: str | Path | None
    ) -> Activations:
        text = text_of(sequence, predictor.name)
        if text is None:
            raise InputError(f"{predictor.name}: reads text; give some with --text")
        return predictor.activations(text)

    def diagnosis_input(
        self, predictor: LanguageModelPredictor, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        model, config = predictor.model, self.config
        if given is None:
            return text_diagnosis_input(model, self.data.splits["valid"].tokens, config, lags)
        with encoded(given, predictor.tokenizer) as texts:
            if len(texts) > 1:
                raise InputError(f"{len(texts)} texts to diagnose on; give one")
            ((_, split),) = texts
            return text_diagnosis_input(model, split.tokens, config, lags)

    def next_steps(self, run: str) -> list[str]:
        return [
            f'elman generate {run} --prompt "The " --length 500 --temperature 0.8',
            f'elman show {run} --text "The "',
            f"elman diagnose {run}",
            f"elman evaluate {run}",
            f"elman predict {run} FILE",
        ]

    def _report(self, predictor: LanguageModelPredictor, splits: list[tuple[str, Split]]) -> Report:
        scores, verdict = [], []
        for name, split in splits:
            measured = measured_loss(predictor, self.config, split)
            scores += measured.scores(name)
            if measured.unknown:
                verdict.append(
                    f"{name}: {100 * measured.unknown_share:.1f} % of the tokens are unknown"
                    f" {PLURALS[predictor.tokenizer.unit]}; bits per character include their"
                    " spelling, loss and perplexity do not"
                )
        return Report(scores, verdict)


def _unknown(counts: TextCounts) -> str:
    return f"  {100 * counts.unknown / counts.tokens:.1f} % unknown" if counts.unknown else ""


def text_diagnosis_input(
    model: LanguageModel, tokens: TokenArray, config: LanguageModelConfig, lags: Lags
) -> DiagnosisInput:
    """A language model on windows spread over a text; each begins from the initial state."""
    usual = min(max(3 * config.truncation, FEWEST), MOST)
    wanted, shortest = lags.most or max(usual, lags.needs or 0), lags.most or SHORTEST
    steps = wanted + BEYOND
    if lags.most is None and len(tokens) <= steps:
        steps = len(tokens) - 1
        wanted = max(steps - BEYOND, steps // 2)
    if len(tokens) <= steps or wanted < min(SHORTEST, shortest):
        raise InputError(
            f"the text has {len(tokens):,} tokens, too short for a lag of {shortest}; at least"
            f" {shortest + BEYOND + 1} are needed: give a longer text or a smaller --max-lag"
        )
    fit = max(2, MOST_NUMBERS // (steps * model.vocab_size))
    starts = np.linspace(0, len(tokens) - steps - 1, min(ROWS, fit)).astype(np.int64)
    places = np.arange(steps + 1)[:, None] + starts
    device = next(model.parameters()).device
    rows = torch.from_numpy(np.asarray(tokens[places], dtype=np.int64)).to(device)
    inputs, targets = rows[:-1], rows[1:]

    def outputs(x: Tensor) -> Tensor:
        return model.scan(x, model.initial_state(x.shape[1]))[0]

    return DiagnosisInput(
        model,
        inputs,
        lambda x: losses_of(outputs(x), targets),
        outputs,
        categorical=True,
        truncation=config.window or config.truncation,
        needs=lags.needs,
        cell=config.cell,
        unit="characters" if config.unit == "char" else "tokens",
        max_lag=wanted,
    )
