"""Text as tokens on disk, for training and for evaluation."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from elman.data.given import Files, Given, Part, Splits, Texts
from elman.data.text import Text, TextSplit, resolve_sources, whole_text
from elman.data.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from elman.data.tokens import build_tokens, open_tokens, read_counts
from elman.errors import InputError
from elman.evaluation.perplexity import Split
from elman.tasks.language_model.config import LanguageModelConfig

SPLITS = ("train", "valid", "test")
TOKENIZER = "tokenizer.json"


@dataclass(frozen=True)
class LanguageModelData:
    """A text as tokens: "train", "valid" and, where there is one, "test"."""

    tokenizer: Tokenizer
    splits: Mapping[str, Split]


def prepare(config: LanguageModelConfig, given: Given | None, folder: Path) -> LanguageModelData:
    """Train the tokenizer and cut the text into tokens, in bounded memory, in `folder`.

    Raises:
        InputError: no text, or one that can't be read or cut.
    """
    with _scratch(folder) as scratch:
        texts = _resolve(config, given, scratch)
        tokenizer = train_tokenizer(
            config.unit, texts.train.blocks(), config.vocabulary_limit, config.min_count
        )
        tokenizer.save(folder / TOKENIZER)
        for name, text in zip(SPLITS, (texts.train, texts.valid, texts.test), strict=True):
            if text is not None:
                build_tokens(text.blocks(), tokenizer, folder / f"{name}.npy")
    return reopen(folder)


def reopen(folder: Path) -> LanguageModelData:
    """What `prepare` left.

    Raises:
        InputError: damaged or missing files.
    """
    paths = {name: folder / f"{name}.npy" for name in SPLITS}
    return LanguageModelData(
        load_tokenizer(folder / TOKENIZER),
        {name: _split(path) for name, path in paths.items() if name != "test" or path.exists()},
    )


@contextmanager
def encoded(given: Given, tokenizer: Tokenizer) -> Iterator[list[tuple[str, Split]]]:
    """Other texts as tokens, each with its name, on disk until the block ends.

    Raises:
        InputError: texts that can't be read.
    """
    with _scratch() as scratch:
        splits = []
        for number, path in enumerate(_paths(given, scratch)):
            tokens = scratch / f"{number}.npy"
            build_tokens(whole_text(path).blocks(), tokenizer, tokens)
            splits.append((path.name, _split(tokens)))
        yield splits


@contextmanager
def _scratch(inside: Path | None = None) -> Iterator[Path]:
    """A folder for what is not kept; errors do not show where it was."""
    with TemporaryDirectory(dir=inside) as name:
        try:
            yield Path(name)
        except InputError as error:
            raise InputError(str(error).replace(f"{name}{os.sep}", "")) from error


def _split(tokens: Path) -> Split:
    return Split(open_tokens(tokens), read_counts(tokens))


def _resolve(config: LanguageModelConfig, given: Given | None, scratch: Path) -> TextSplit:
    if not isinstance(given, Splits):
        return resolve_sources(
            _paths(given, scratch),
            valid_fraction=config.valid_fraction,
            test_fraction=config.test_fraction,
        )
    test = None if given.test is None else _text(given.test, scratch)
    if given.valid is not None:
        return TextSplit(_text(given.train, scratch), _text(given.valid, scratch), test)
    split = _resolve(config.model_copy(update={"test_fraction": 0.0}), given.train, scratch)
    return TextSplit(split.train, split.valid, test)


def _text(part: Part, scratch: Path) -> Text:
    return Text(tuple(file for path in _paths(part, scratch) for file in whole_text(path).files))


def _paths(given: Given | None, scratch: Path) -> tuple[Path, ...]:
    """Files of text; texts that are given as they are go into one in `scratch`, a line each."""
    match given:
        case Files():
            return given.paths
        case Texts():
            path = scratch / given.where.replace(os.sep, "_")
            with path.open("w", encoding="utf-8", errors="surrogatepass", newline="") as file:
                for text in given.texts:
                    file.write(text if text.endswith("\n") else f"{text}\n")
            return (path,)
        case _:
            raise InputError("a language model reads text; give files or texts")
