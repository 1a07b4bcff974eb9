"""The task `translation`: from the sentences of one language to those of another."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, final

from elman.data.given import Given, Texts
from elman.data.pairs.batching import PairBatches
from elman.data.pairs.dataset import Pair, one_by_one
from elman.data.pairs.rows import Reader
from elman.diagnostics.activations import Activations
from elman.diagnostics.diagnosis_input import DiagnosisInput, Lags
from elman.errors import InputError
from elman.evaluation.report import Report, Score
from elman.evaluation.tokenization import check_tokenization
from elman.evaluation.translation import MISSING, can_score, score_translations
from elman.models.cells import cell_options, check_cell
from elman.predictors.translator import Architecture, TranslatorPredictor
from elman.settings import Options, adapter
from elman.tasks.task import Task
from elman.tasks.translation.config import TranslationConfig, TranslationEvaluation
from elman.tasks.translation.data import TranslationData, encoded
from elman.tasks.translation.objective import TranslationObjective, measured_loss


@final
class TranslationTask(Task[TranslationConfig, TranslationData, TranslatorPredictor]):
    """Learn to translate from pairs of sentences."""

    name: ClassVar[str] = "translation"
    summary: ClassVar[str] = "Translate: from pairs of sentences, with attention and beam search."
    Config = TranslationConfig
    Evaluation: ClassVar[type[Options]] = TranslationEvaluation
    counted: ClassVar[str] = "tokens"
    data_help: ClassVar[str] = (
        "two parallel files, the source first; one .tsv or .jsonl of pairs; those of train, valid"
        " and test; or a folder of them"
    )
    common: ClassVar[tuple[str, ...]] = (
        *(
            "source",
            "target",
            "delimiter",
            "encoding",
            "unit",
            "vocab_size",
            "cell",
            "hidden_size",
            "attention",
        ),
        *("input_feeding", "dropout", "batch_tokens", "learning_rate", "max_steps"),
        *("max_minutes", "eval_every", "checkpoint_every", "patience", "seed", "threads"),
    )

    @classmethod
    def prepare(
        cls, config: TranslationConfig, given: Given | None, folder: Path
    ) -> TranslationData:
        check_cell(config.cell)
        if given is None:
            raise InputError("a translation is trained on sentence pairs; give some")
        if config.bleu_tokenize is not None:
            check_tokenization(config.bleu_tokenize)
        data = TranslationData.read(config, given)
        data.save(folder)
        return data

    @classmethod
    def open(cls, config: TranslationConfig, folder: Path) -> TranslationData:
        return TranslationData.load(folder)

    def describe(self) -> list[str]:
        lines = list(self.data.notes)
        for name, pairs in self.data.pairs.items():
            lines.append(
                f"{name:<5} {len(pairs):>9,} pairs  {len(pairs.source):>11,} source tokens"
                f"  {len(pairs.target):>11,} target tokens"
            )
        sides = self.data.vocabularies
        sizes = f"{sides.target.vocab_size:,} for both"
        if sides.source is not sides.target:
            sizes = f"{sides.source.vocab_size:,} and {sides.target.vocab_size:,}"
        lines.append(f"vocabulary {sizes} ({self.config.unit})")
        return lines

    def make(self) -> TranslatorPredictor:
        config, vocabularies = self.config, self.data.vocabularies
        settings = {**config.model_dump(), "options": cell_options(config), "tied": config.tie}
        architecture = adapter(Architecture).validate_python(settings)
        model = architecture.make(vocabularies)
        return TranslatorPredictor(
            model,
            vocabularies,
            architecture,
            source=config.source,
            dialect=self.data.dialect,
            longest=int(self.data.pairs["train"].lengths[0].max()),
        )

    def source(self) -> PairBatches:
        config = self.config
        return PairBatches(
            self.data.pairs["train"],
            config.batch_tokens,
            config.batch_size,
            self.data.vocabularies.start_id,
            seed=config.seed,
        )

    def objective(self, predictor: TranslatorPredictor) -> TranslationObjective:
        start_id = self.data.vocabularies.start_id
        return TranslationObjective(
            predictor.model, self.config, self.data.pairs["valid"], start_id
        )

    def evaluate(
        self, predictor: TranslatorPredictor, given: Given | None, options: Options
    ) -> Report:
        chosen = TranslationEvaluation.model_validate(options.model_dump(exclude_unset=True))
        most, tokenize = chosen.sentences, chosen.bleu_tokenize or self.config.bleu_tokenize
        if tokenize is not None:
            check_tokenization(tokenize)
        scores: list[Score] = []
        verdict: list[str] = []
        vocabularies = predictor.vocabularies
        for name, pairs in self._held_out(given, chosen, verdict):
            if can_score():
                sources = [pair.source for pair in pairs[:most]]
                answers = predictor.answers(Texts(sources), options)
                outputs = [answer.translation for answer in answers]
                references = [pair.target for pair in pairs[:most]]
                found, meaning = score_translations(name, sources, outputs, references, tokenize)
                scores += found
                verdict += meaning
                if most < len(pairs):
                    verdict.append(
                        f"{name}: BLEU and chrF are of the first {most:,} of {len(pairs):,} pairs;"
                        " --sentences takes more"
                    )
            else:
                verdict.append(MISSING)
            ids = encoded(vocabularies, pairs)
            measured = measured_loss(predictor.model, self.config, ids, vocabularies.start_id)
            scores += measured.scores(name)
        return Report(scores, list(dict.fromkeys(verdict)))

    def activations(
        self, predictor: TranslatorPredictor, sequence: str | Path | None
    ) -> Activations:
        raise InputError(f"{predictor.name}: a translation run cannot be shown")

    def diagnosis_input(
        self, predictor: TranslatorPredictor, given: Given | None, lags: Lags
    ) -> DiagnosisInput:
        raise InputError(f"{predictor.name}: a translation run cannot be diagnosed")

    def next_steps(self, run: str) -> list[str]:
        return [
            f'echo "…" | elman predict {run}',
            f"elman predict {run} FILE --out translations.tsv",
            f"elman evaluate {run}",
            f"elman stream {run}",
        ]

    def _held_out(
        self, given: Given | None, options: TranslationEvaluation, verdict: list[str]
    ) -> Iterator[tuple[str, Sequence[Pair]]]:
        """The name and the pairs of each held-out split, or of what is given.

        What was left out of it goes to `verdict`.
        """
        if given is None:
            yield from self.data.texts.items()
            return
        config = self.config
        reader = Reader(
            config.source,
            config.target,
            insist=False,
            skip_bad_rows=options.skip_bad_rows or config.skip_bad_rows,
            asked=options.asked,
            dialect=self.data.dialect,
        )
        for name, part in one_by_one(given):
            yield name, reader.read(part)
        verdict += reader.bad.notes()
