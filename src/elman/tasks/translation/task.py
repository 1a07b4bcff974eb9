"""The task `translation`: the sentences of one language, or of any code, written in another.

Legend: S source steps, T target steps, B batch.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, TypeVar, final

import numpy as np
import torch
from torch import Tensor, nn

from elman.data.pairs.batching import EncodedPairs, PairBatch, PairBatches, in_order
from elman.data.pairs.dataset import Pair, one_by_one, read_pairs
from elman.data.pairs.rows import Reader
from elman.data.tokenizer import Tokenizer
from elman.errors import InputError
from elman.evaluation.translation import score_translations
from elman.evaluation.translation_loss import Expectation, expect, row_losses
from elman.files import write_json
from elman.layers.state import State
from elman.models.cells import check_cell
from elman.models.seq2seq import Seq2Seq
from elman.predictors.translator import Translation, TranslationStream, translate
from elman.predictors.translator_network import network
from elman.predictors.translator_options import (
    TranslationEvaluation,
    TranslationPrediction,
    TranslationStreaming,
)
from elman.predictors.vocabularies import Vocabularies
from elman.tasks.task import NO_OPTIONS, Given, Options, Report, Score, Task
from elman.tasks.translation.config import TranslationConfig
from elman.training.contracts import StepLoss

SPLITS = ("train", "valid", "test")

Asked = TypeVar("Asked", bound=Options)


@final
class TranslationTask(Task):
    """Learn from sentence pairs, translate."""

    name: ClassVar[str] = "translation"
    summary: ClassVar[str] = "Translate: from pairs of sentences, with attention and beam search."
    Config = TranslationConfig
    Evaluation: ClassVar[type[Options]] = TranslationEvaluation
    Prediction: ClassVar[type[Options]] = TranslationPrediction
    Streaming: ClassVar[type[Options]] = TranslationStreaming
    counted: ClassVar[str] = "tokens"
    data: ClassVar[str] = (
        "two parallel files, the source first; one .tsv or .jsonl of pairs; those of train, valid"
        " and test; or a folder of them"
    )
    common: ClassVar[tuple[str, ...]] = (
        *("source", "target", "unit", "vocab_size", "cell", "hidden_size", "attention"),
        *("input_feeding", "dropout", "batch_tokens", "learning_rate", "max_steps"),
        *("max_minutes", "eval_every", "checkpoint_every", "patience", "seed", "threads"),
    )
    config: TranslationConfig

    def prepare(self, paths: Sequence[Path]) -> None:
        """Read the pairs, learn the vocabularies and leave both in the run directory."""
        config = self.config
        check_cell(config.cell)
        splits = read_pairs(
            paths,
            source=config.source,
            target=config.target,
            valid_fraction=config.valid_fraction,
            test_fraction=config.test_fraction,
            skip_bad_rows=config.skip_bad_rows,
            seed=config.seed,
        )
        vocabularies = Vocabularies.train(
            splits.train,
            config.unit,
            joint=config.vocabulary == "joint",
            vocab_size=config.vocabulary_limit,
            min_count=config.min_count,
        )
        vocabularies.save(self.run.path)
        self._folder.mkdir()
        notes = splits.notes
        encoded = {name: self.encoded(getattr(splits, name)) for name in SPLITS}
        kept = np.maximum(*encoded["train"].lengths) <= config.max_length
        if dropped := int((~kept).sum()):
            notes.append(
                f"left out {dropped:,} training pairs of more than {config.max_length} tokens"
            )
            encoded["train"] = encoded["train"].select(np.flatnonzero(kept))
        if not len(encoded["train"]):
            raise InputError(
                f"{paths[0]}: no training pair is as short as --max-length {config.max_length}"
                " tokens; make it larger"
            )
        for name, pairs in encoded.items():
            if len(pairs):
                pairs.save(self._pairs_path(name))
        for name in SPLITS[1:]:
            if texts := getattr(splits, name):
                write_json(self._text_path(name), [[pair.source, pair.target] for pair in texts])
        write_json(self._folder / "notes.json", notes)

    def describe(self) -> list[str]:
        lines = list(json.loads((self._folder / "notes.json").read_text(encoding="utf-8")))
        for name in self._split_names():
            pairs = self.pairs(name)
            lines.append(
                f"{name:<5} {len(pairs):>9,} pairs  {len(pairs.source):>11,} source tokens"
                f"  {len(pairs.target):>11,} target tokens"
            )
        sides = self.vocabularies
        joint = sides.source is sides.target
        sizes = f"{sides.target.vocab_size:,} for both"
        if not joint:
            sizes = f"{sides.source.vocab_size:,} and {sides.target.vocab_size:,}"
        lines.append(f"vocabulary {sizes} ({self.config.unit})")
        return lines

    def build_model(self) -> Seq2Seq:
        sides = self.vocabularies
        return network(self.config, sides.source.vocab_size, sides.target.vocab_size)

    def source(self) -> PairBatches:
        config = self.config
        return PairBatches(
            self.pairs("train"),
            config.batch_tokens,
            config.batch_size,
            self.start_id,
            seed=config.seed,
        )

    def objective(self, model: nn.Module) -> TranslationObjective:
        assert isinstance(model, Seq2Seq)
        return TranslationObjective(model, self)

    def expectation(self, model: Seq2Seq, pairs: EncodedPairs) -> Expectation:
        """The loss over `pairs`."""
        config = self.config
        batches = in_order(pairs, config.batch_tokens, config.batch_size, self.start_id)
        return expect(model, batches)

    def evaluate(
        self, model: nn.Module, paths: Sequence[Path] = (), options: Options = NO_OPTIONS
    ) -> Report:
        assert isinstance(model, Seq2Seq)
        asked = _asked(TranslationEvaluation, options)
        scores: list[Score] = []
        verdict: list[str] = []
        for name, pairs in self._held_out(paths):
            seen = self.expectation(model, self.encoded(pairs))
            found, meant = score_translations(self, model, name, pairs, asked)
            scores += [
                *found,
                Score(name, "loss", seen.loss, "nats per token"),
                Score(name, "perplexity", seen.perplexity, "per token"),
            ]
            verdict += meant
        return Report(scores, list(dict.fromkeys(verdict)))

    def predict(
        self, model: nn.Module, given: Given, options: Options = NO_OPTIONS
    ) -> Iterator[Translation]:
        assert isinstance(model, Seq2Seq)
        asked = _asked(TranslationPrediction, options)
        return translate(self, model, given, asked)

    def stream(self, model: nn.Module, options: Options = NO_OPTIONS) -> TranslationStream:
        assert isinstance(model, Seq2Seq)
        asked = _asked(TranslationStreaming, options)
        return TranslationStream(self, model, asked)

    def _held_out(self, paths: Sequence[Path]) -> Iterator[tuple[str, list[Pair]]]:
        """The name and the pairs of each split but the first, or of the files at `paths`."""
        if not paths:
            for name in self._split_names():
                if name != "train":
                    yield name, self.texts(name)
            return
        config = self.config
        reader = Reader(
            config.source, config.target, insist=False, skip_bad_rows=config.skip_bad_rows
        )
        for files in one_by_one(paths):
            yield files[-1].name, reader.read(files)

    def next_steps(self) -> list[str]:
        run = shlex.quote(str(self.run.path))
        return [
            f'echo "…" | elman predict {run}',
            f"elman predict {run} FILE --out translations.tsv",
            f"elman evaluate {run}",
            f"elman stream {run}",
        ]

    @cached_property
    def vocabularies(self) -> Vocabularies:
        """What the run's sentences are written in."""
        return Vocabularies.load(self.run.path)

    @property
    def source_tokenizer(self) -> Tokenizer:
        """The tokenizer of what is read."""
        return self.vocabularies.source

    @property
    def target_tokenizer(self) -> Tokenizer:
        """The tokenizer of what is written."""
        return self.vocabularies.target

    @property
    def start_id(self) -> int:
        """What the decoder reads first, and what ends a target."""
        return self.vocabularies.start_id

    @property
    def end_id(self) -> int:
        """The same token."""
        return self.vocabularies.start_id

    @property
    def unknown_id(self) -> int | None:
        """The target's id for what its vocabulary does not hold, if there is one."""
        return self.vocabularies.unknown_id

    def encode_source(self, text: str) -> list[int]:
        """The ids of a sentence to be translated, its end token included."""
        return [int(token) for token in self.vocabularies.encode_source(text)]

    def encode_target(self, text: str) -> list[int]:
        """The ids of a translation, its end token included."""
        return [int(token) for token in self.vocabularies.encode_target(text)]

    def decode_target(self, ids: Sequence[int]) -> str:
        """The sentence that ids stand for, up to the first end token."""
        return self.vocabularies.decode_target(ids)

    def encoded(self, pairs: Sequence[Pair]) -> EncodedPairs:
        """The ids of `pairs`, in the run's vocabularies."""
        sides = self.vocabularies
        return EncodedPairs.of(
            [sides.encode_source(pair.source) for pair in pairs],
            [sides.encode_target(pair.target) for pair in pairs],
        )

    def pairs(self, name: str) -> EncodedPairs:
        """The ids of "train", "valid" or "test"."""
        return EncodedPairs.load(self._pairs_path(name))

    def texts(self, name: str) -> list[Pair]:
        """The sentences of "valid" or "test"."""
        rows = json.loads(self._text_path(name).read_text(encoding="utf-8"))
        return [Pair(source, target) for source, target in rows]

    @property
    def _folder(self) -> Path:
        return self.run.path / "pairs"

    def _pairs_path(self, split: str) -> Path:
        return self._folder / f"{split}.safetensors"

    def _text_path(self, split: str) -> Path:
        return self._folder / f"{split}.json"

    def _split_names(self) -> list[str]:
        return [name for name in SPLITS if self._pairs_path(name).exists()]


@final
class TranslationObjective:
    """Mean nats per target token, and what the validation pairs say."""

    unit = "tokens"

    def __init__(self, model: Seq2Seq, task: TranslationTask) -> None:
        self.model: nn.Module = model
        self._network = model
        self._task = task
        self._valid = task.pairs("valid")

    def loss(self, batch: PairBatch, state: State | None) -> StepLoss:
        config = self._task.config
        risen = min(1.0, batch.number / config.sampling_steps)
        sampling = config.scheduled_sampling * risen if self.model.training else 0.0
        features = self._network(
            batch.source, batch.source_lengths, batch.inputs, sampling=sampling
        )
        loss = self._network.loss(features, batch.targets, config.label_smoothing)
        return StepLoss(loss, batch.units, None)

    def advance(self, batch: PairBatch, state: State) -> State:
        raise AssertionError("each batch is whole sentences, so no state is carried")

    def row_losses(self, batch: PairBatch, rows: int) -> Tensor:
        """(B,) the nats of the last target token of each of the first rows, unsmoothed."""
        few = batch.select(torch.arange(min(rows, batch.batch_size), device=batch.inputs.device))
        return row_losses(self._network, few)

    def evaluate(self) -> dict[str, float]:
        seen = self._task.expectation(self._network, self._valid)
        return {"loss": seen.loss, "perplexity": seen.perplexity}


def _asked(kind: type[Asked], options: Options) -> Asked:
    """The options as what a translation takes; the defaults where none were given."""
    return options if isinstance(options, kind) else kind.model_validate({})
