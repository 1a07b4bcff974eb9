"""Sentence pairs as a translation trains on them: vocabularies, ids, held-out texts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Self, TypeVar

import numpy as np
from pydantic import TypeAdapter

from elman.bounds import read_settings
from elman.data.given import Given
from elman.data.pairs.batching import EncodedPairs
from elman.data.pairs.dataset import Pair, read_pairs
from elman.data.tables.dialect import Dialect
from elman.errors import InputError
from elman.files import write_bytes, write_json
from elman.parse import parse_json
from elman.predictors.vocabularies import Vocabularies
from elman.settings import adapter
from elman.tasks.translation.config import TranslationConfig

SPLITS = ("train", "valid", "test")


@dataclass(frozen=True, eq=False)
class TranslationData:
    """The ids of each split, the sentences of the held-out ones, and notes for the user."""

    vocabularies: Vocabularies
    pairs: Mapping[str, EncodedPairs] = field(repr=False)
    texts: Mapping[str, Sequence[Pair]] = field(repr=False)
    notes: Sequence[str] = ()
    dialect: Dialect | None = None

    @classmethod
    def read(cls, config: TranslationConfig, given: Given) -> Self:
        """Read the pairs and learn the vocabularies."""
        splits = read_pairs(
            given,
            source=config.source,
            target=config.target,
            valid_fraction=config.valid_fraction,
            test_fraction=config.test_fraction,
            skip_bad_rows=config.skip_bad_rows,
            seed=config.seed,
            asked=config.asked,
        )
        vocabularies = Vocabularies.train(
            splits.train,
            config.unit,
            joint=config.vocabulary == "joint",
            vocab_size=config.vocabulary_limit,
            min_count=config.min_count,
            split_punctuation=config.split_punctuation,
        )
        texts = (
            {"valid": splits.valid, "test": splits.test} if splits.test else {"valid": splits.valid}
        )
        pairs = {
            name: encoded(vocabularies, each)
            for name, each in {"train": splits.train, **texts}.items()
        }
        notes = list(splits.notes)
        kept = np.maximum(*pairs["train"].lengths) <= config.max_length
        if dropped := int((~kept).sum()):
            notes.append(
                f"left out {dropped:,} training pairs of more than {config.max_length} tokens"
            )
            pairs["train"] = pairs["train"].select(np.flatnonzero(kept))
        if not len(pairs["train"]):
            raise InputError(
                f"no training pair is as short as --max-length {config.max_length} tokens; make it"
                " larger"
            )
        return cls(vocabularies, pairs, texts, notes, splits.dialect)

    def save(self, folder: Path) -> None:
        for name, content in self.vocabularies.files().items():
            write_bytes(folder / name, content)
        for name, pairs in self.pairs.items():
            pairs.save(folder / f"{name}.safetensors")
        for name, texts in self.texts.items():
            write_json(folder / f"{name}.json", [[pair.source, pair.target] for pair in texts])
        write_json(folder / "notes.json", list(self.notes))
        if self.dialect is not None:
            write_json(folder / "dialect.json", asdict(self.dialect))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        try:
            files = {path.name: path.read_bytes() for path in folder.glob("*tokenizer.json")}
            vocabularies = Vocabularies.of(files, str(folder))
            names = [name for name in SPLITS if (folder / f"{name}.safetensors").exists()]
            texts = {
                name: [Pair(*row) for row in _read(_ROWS, folder / f"{name}.json")]
                for name in names
                if name != "train"
            }
            notes = _read(_NOTES, folder / "notes.json")
            path = folder / "dialect.json"
            dialect = _read(adapter(Dialect), path) if path.exists() else None
        except (KeyError, OSError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise InputError(
                f"{folder}: cannot be read as data of a translation ({reason}); train the run again"
            ) from error
        pairs = {name: EncodedPairs.load(folder / f"{name}.safetensors") for name in names}
        return cls(vocabularies, pairs, texts, notes, dialect)


def encoded(vocabularies: Vocabularies, pairs: Sequence[Pair]) -> EncodedPairs:
    """The ids of `pairs`, end tokens included."""
    return EncodedPairs.of(
        [vocabularies.encode_source(pair.source) for pair in pairs],
        [vocabularies.encode_target(pair.target) for pair in pairs],
    )


_ROWS, _NOTES = TypeAdapter(list[tuple[str, str]]), TypeAdapter(list[str])
_Read = TypeVar("_Read")


def _read(kind: TypeAdapter[_Read], path: Path) -> _Read:
    return kind.validate_python(parse_json(read_settings(path)))
