"""Text as tokens on disk, for training and for evaluation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from elman.bounds import read_settings
from elman.data.given import Files, Given
from elman.data.text import notes_of, resolve_sources, whole_text
from elman.data.tokenizer import Tokenizer, load_tokenizer, train_tokenizer
from elman.data.tokens import build_tokens, open_tokens, read_counts
from elman.errors import InputError
from elman.evaluation.perplexity import Split
from elman.files import write_json
from elman.parse import parse_json
from elman.tasks.language_model.config import LanguageModelConfig

SPLITS = ("train", "valid", "test")
TOKENIZER, NOTES = "tokenizer.json", "notes.json"


@dataclass(frozen=True)
class LanguageModelData:
    """A text as tokens: "train", "valid" and, where there is one, "test"."""

    tokenizer: Tokenizer
    splits: Mapping[str, Split]
    notes: Sequence[str] = ()
    """How the files were read, in lines for the terminal."""


def prepare(config: LanguageModelConfig, given: Given | None, folder: Path) -> LanguageModelData:
    """Train the tokenizer and cut the text into tokens, in bounded memory, in `folder`."""
    if given is None:
        raise InputError("a language model is trained on text; give a file, a folder or strings")
    texts = resolve_sources(
        given,
        valid_fraction=config.valid_fraction,
        test_fraction=config.test_fraction,
        encoding=config.encoding or "",
    )
    tokenizer = train_tokenizer(
        config.unit,
        texts.train.blocks(),
        config.vocabulary_limit,
        config.min_count,
        split_punctuation=config.split_punctuation,
    )
    tokenizer.save(folder / TOKENIZER)
    for name, text in zip(SPLITS, (texts.train, texts.valid, texts.test), strict=True):
        if text is not None:
            build_tokens(text.blocks(), tokenizer, folder / f"{name}.npy")
    write_json(folder / NOTES, list(notes_of(texts.train)))
    return reopen(folder)


def reopen(folder: Path) -> LanguageModelData:
    """What `prepare` left."""
    paths = {name: folder / f"{name}.npy" for name in SPLITS}
    notes = folder / NOTES
    try:
        lines = [str(line) for line in parse_json(read_settings(notes))]
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{notes}: cannot be read ({error}); train again") from error
    return LanguageModelData(
        load_tokenizer(folder / TOKENIZER),
        {name: _split(path) for name, path in paths.items() if name != "test" or path.exists()},
        lines,
    )


@contextmanager
def encoded(
    given: Given, tokenizer: Tokenizer, encoding: str = "", kept: str = ""
) -> Iterator[list[tuple[str, Split]]]:
    """Other texts as tokens, each file with its name, on disk until the block ends.

    Files are in the `encoding`; where that is "", those that are not UTF-8 are in `kept`.
    """
    parts = [Files((path,)) for path in given.paths] if isinstance(given, Files) else [given]
    with TemporaryDirectory() as scratch:
        splits = []
        for number, part in enumerate(parts):
            tokens, text = Path(scratch) / f"{number}.npy", whole_text(part, encoding, kept)
            build_tokens(text.blocks(), tokenizer, tokens)
            splits.append((Path(text.name).name, _split(tokens)))
        yield splits


def _split(tokens: Path) -> Split:
    return Split(open_tokens(tokens), read_counts(tokens))
