"""The task `language-model`: the probability of each token given all before it.

Legend: T time, B batch, V vocabulary.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar, cast, final

from torch import nn

from elman.data.batching import Batch, TokenChunks
from elman.data.text import resolve_sources, whole_text
from elman.data.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from elman.data.tokens import build_tokens, open_tokens, read_counts
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput
from elman.errors import InputError
from elman.evaluation.perplexity import Measurement, Split, measure
from elman.layers.state import State
from elman.models.cells import cell_options, check_cell, recurrent_layers
from elman.models.language_model import LanguageModel, activation_penalty
from elman.predictors.generation import Generation, Request
from elman.predictors.language_model_activations import read_text
from elman.predictors.line_scores import LineScore, score_lines
from elman.streaming.text import TextStream
from elman.tasks.diagnosis_input import text_diagnosis_input
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tasks.task import NO_OPTIONS, Given, Options, Report, Score, Task
from elman.training.contracts import StepLoss

SPLITS = ("train", "valid", "test")
# Each row begins without context; at this length that costs less than the third decimal.
TOKENS_PER_ROW = 2000
GUESSES = 3


@final
class LanguageModelTask(Task):
    """Train on a text, score a text, write."""

    name: ClassVar[str] = "language-model"
    summary: ClassVar[str] = "Predict each character, piece or word of a text, and write with it."
    Config = LanguageModelConfig
    counted: ClassVar[str] = "tokens"
    data: ClassVar[str] = (
        "a file or a folder (cut 90/5/5 by position), or train, valid and test files"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("unit", "vocab_size", "cell", "hidden_size", "num_layers", "dropout"),
        *("batch_size", "truncation", "learning_rate", "max_steps", "max_minutes"),
        *("eval_every", "checkpoint_every", "patience", "seed", "threads", "device"),
    )
    config: LanguageModelConfig

    def prepare(self, paths: Sequence[Path]) -> None:
        """Cut the text into tokens, in the run directory; see `Task.prepare`."""
        check_cell(self.config.cell)
        texts = resolve_sources(
            paths,
            valid_fraction=self.config.valid_fraction,
            test_fraction=self.config.test_fraction,
        )
        tokenizer = train_tokenizer(
            self.config.unit,
            texts.train.blocks(),
            self.config.vocabulary_limit,
            self.config.min_count,
        )
        tokenizer.save(self._tokenizer_path)
        self._tokens_path("train").parent.mkdir()
        for name in SPLITS:
            text = getattr(texts, name)
            if text is not None:
                build_tokens(text.blocks(), tokenizer, self._tokens_path(name))
        self.source()  # a text too short for its batches is said now, not after the set-up

    def describe(self) -> list[str]:
        lines = []
        for name in self._split_names():
            counts = self.split(name).counts
            lines.append(
                f"{name:<5} {counts.tokens:>11,} tokens  {counts.characters:>11,} characters"
            )
        lines.append(f"vocabulary {self.tokenizer.vocab_size:,} ({self.config.unit})")
        return lines

    def build_model(self) -> LanguageModel:
        return self.model_for(self.config, self.tokenizer.vocab_size)

    @staticmethod
    def model_for(config: LanguageModelConfig, vocab_size: int) -> LanguageModel:
        """The network of `config` over a vocabulary of that size."""
        sizes = [config.hidden_size] * config.num_layers
        layers = recurrent_layers(config.cell, config.embedding_width, sizes, cell_options(config))
        return LanguageModel(
            vocab_size,
            config.embedding_width,
            layers,
            tied=config.is_tied,
            embedding_dropout=config.embedding_dropout,
            input_dropout=config.dropout_of("input"),
            hidden_dropout=config.dropout_of("hidden"),
            output_dropout=config.dropout_of("output"),
            locked_dropout=config.locked_dropout,
            readout=config.readout,
            init_range=config.init_range,
        )

    def source(self) -> TokenChunks:
        return TokenChunks(
            self.split("train").tokens,
            self.config.batch_size,
            self.config.truncation,
            self.tokenizer.start_id,
            random_length=self.config.random_truncation,
            seed=self.config.seed,
        )

    def objective(self, model: nn.Module) -> LanguageModelObjective:
        assert isinstance(model, LanguageModel)
        return LanguageModelObjective(model, self)

    def evaluate(
        self, model: nn.Module, paths: Sequence[Path] = (), options: Options = NO_OPTIONS
    ) -> Report:
        assert isinstance(model, LanguageModel)
        scores: list[Score] = []
        if not paths:
            for name in self._split_names():
                if name != "train":
                    scores += self.measure(model, self.held_out(name)).scores(name)
            return Report(scores)
        with TemporaryDirectory() as folder:
            for number, path in enumerate(paths):
                split = self._encoded(path, Path(folder) / f"{number}.npy")
                scores += self.measure(model, split).scores(path.name)
        return Report(scores)

    def diagnosis_input(
        self,
        model: nn.Module,
        path: Path | None = None,
        *,
        max_lag: int | None = None,
        needs: int | None = None,
    ) -> DiagnosisInput:
        """The model on the validation text, or on another; see `elman.tasks.diagnosis_input`."""
        assert isinstance(model, LanguageModel)
        if path is None:
            tokens = self.split("valid").tokens
            return text_diagnosis_input(model, tokens, self.config, max_lag=max_lag, needs=needs)
        with TemporaryDirectory() as folder:
            tokens = self._encoded(path, Path(folder) / "tokens.npy").tokens
            return text_diagnosis_input(model, tokens, self.config, max_lag=max_lag, needs=needs)

    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[LineScore]:
        assert isinstance(model, LanguageModel)
        return score_lines(model, self.tokenizer, given.lines())

    def stream(self, model: nn.Module, options: Options = NO_OPTIONS) -> TextStream:
        assert isinstance(model, LanguageModel)
        return TextStream(model, self.tokenizer, guesses=GUESSES)

    def generate(self, model: nn.Module, request: Request) -> Generation:
        """Text that the model goes on to write; see `elman.predictors.generation`."""
        assert isinstance(model, LanguageModel)
        return Generation(model, self.tokenizer, request)

    def read(self, model: nn.Module, text: str | None) -> Activations:
        """What can be seen of the model as it reads; see `elman.predictors.language_model_activations`."""
        assert isinstance(model, LanguageModel)
        if text is None:
            raise InputError(f"{self.run.path}: a language model reads text; give some with --text")
        return read_text(model, self.tokenizer, text, str(self.run.path))

    def next_steps(self) -> list[str]:
        run = shlex.quote(str(self.run.path))
        return [
            f'elman generate {run} --prompt "The " --length 500 --temperature 0.8',
            f'elman show {run} --text "The "',
            f"elman diagnose {run}",
            f"elman evaluate {run}",
            f"elman predict {run} FILE",
        ]

    def measure(self, model: nn.Module, split: Split) -> Measurement:
        """The loss over a split, the state carried through it from the initial one."""
        assert isinstance(model, LanguageModel)
        wanted = len(split.tokens) // TOKENS_PER_ROW
        rows = self.config.eval_rows or max(1, min(self.config.batch_size, wanted))
        return measure(model, split, rows, self.tokenizer.start_id)

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer that the run was trained with."""
        return load_tokenizer(self._tokenizer_path)

    @property
    def _tokenizer_path(self) -> Path:
        return self.run.path / "tokenizer.json"

    def _tokens_path(self, split: str) -> Path:
        return self.run.path / "tokens" / f"{split}.npy"

    def _encoded(self, path: Path, tokens: Path) -> Split:
        """Another text, its tokens left at `tokens`."""
        build_tokens(whole_text(path).blocks(), self.tokenizer, tokens)
        return Split(open_tokens(tokens), read_counts(tokens))

    def _split_names(self) -> list[str]:
        return [name for name in SPLITS if self._tokens_path(name).exists()]

    def held_out(self, name: str) -> Split:
        """What evaluation scores of "valid" or "test": at most `eval_tokens` from its beginning."""
        return self.split(name).cut(self.config.eval_tokens)

    def split(self, name: str) -> Split:
        """The tokens of "train", "valid" or "test"."""
        path = self._tokens_path(name)
        return Split(open_tokens(path), read_counts(path))


@final
class LanguageModelObjective:
    """Mean nats per token, and what the validation text says."""

    unit = "tokens"

    def __init__(self, model: LanguageModel, task: LanguageModelTask) -> None:
        self.model: nn.Module = model
        self._language_model = model
        self._task = task
        self._valid = task.held_out("valid")

    def loss(self, batch: Batch, state: State | None) -> StepLoss:
        assert state is not None
        features, after = self._language_model(batch.inputs, state, batch.lengths)
        loss, units = self._language_model.loss(features, batch.targets)
        config = self._task.config
        penalized = config.activation_penalty or config.slowness_penalty
        if penalized and self.model.training:
            loss = loss + activation_penalty(
                features, config.activation_penalty, config.slowness_penalty
            )
        return StepLoss(loss, units, after)

    def advance(self, batch: Batch, state: State) -> State:
        _, after = self._language_model(batch.inputs, state, batch.lengths)
        return cast("State", after)

    def evaluate(self) -> dict[str, float]:
        measured = self._task.measure(self._language_model, self._valid)
        return {
            "loss": measured.loss,
            "perplexity": measured.perplexity,
            "bits_per_character": measured.bits_per_character,
        }
