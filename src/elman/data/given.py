"""What people hold, by what it is: files, texts, tables, arrays, audio, with or without labels.

A task and a predictor take all of it. Whatever reads a kind of data (`labeled`, `pairs`, `series`,
`text`) matches on these classes and refuses, by name, what it can't use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol, TypeAlias

import numpy as np

from elman.errors import InputError


class Frame(Protocol):
    """A table of pandas, polars or pyarrow, through the Arrow PyCapsule interface."""

    def __arrow_c_stream__(self, requested_schema: object | None = None) -> object: ...


Data: TypeAlias = (
    str | Path | Frame | Mapping[str, Any] | Sequence[Any] | tuple[Sequence[Any], Sequence[Any]]
)
"""What `elman.train` and `predict` take; see `given`."""


@dataclass(frozen=True)
class Files:
    """Files or folders."""

    paths: tuple[Path, ...]


@dataclass(frozen=True)
class Texts:
    """Texts, each a row; read no sooner than asked for.

    Attributes:
        texts: without line ends of their own where they are lines.
        labels: what each is, or None.
        where: what they are called in an error; row n is named "WHERE:n".
        arriving: whether each should be answered before the next is there.
    """

    texts: Iterable[str] = field(repr=False)
    labels: Sequence[Any] | None = field(default=None, repr=False)
    where: str = "data"
    arriving: bool = False


@dataclass(frozen=True)
class Pairs:
    """Source and target texts."""

    pairs: Sequence[tuple[str, str]] = field(repr=False)
    where: str = "data"


@dataclass(frozen=True)
class Columns:
    """A table: a frame, or a mapping from name to column."""

    table: Frame | Mapping[str, Any] = field(repr=False)
    where: str = "data"


@dataclass(frozen=True)
class Arrays:
    """Sequences of numbers, each (T,) or (T, C).

    Attributes:
        arrays: NumPy arrays.
        labels: of each sequence or, per step, of each of its steps; None without.
        where: what they are called in an error.
    """

    arrays: Sequence[np.ndarray] = field(repr=False)
    labels: Sequence[Any] | None = field(default=None, repr=False)
    where: str = "data"


@dataclass(frozen=True)
class Audio:
    """Recordings in memory, or audio files with what is said in each.

    Attributes:
        audio: (samples, rate) with samples (N,) or (N, channels), floating point in [-1, 1] or
            whole numbers of their type's full range, and the rate in Hz; or the path of a file.
        labels: the text or the class of each; None without.
        where: what they are called in an error; row n is named "WHERE:n".
    """

    audio: Sequence[tuple[np.ndarray, int] | Path] = field(repr=False)
    labels: Sequence[Any] | None = field(default=None, repr=False)
    where: str = "data"


@dataclass(frozen=True)
class Video:
    """Videos in memory, or video files with the label of each.

    Attributes:
        videos: uint8 (T, h, w) gray or (T, h, w, 3) RGB; or the path of a file.
        labels: the class of each; None without.
        groups: who or what each was taken of, so that no such is in two parts; None without.
        fps: frames a second of arrays; None for the setting `fps`.
        where: what they are called in an error; row n is named "WHERE:n".
    """

    videos: Sequence[np.ndarray | Path] = field(repr=False)
    labels: Sequence[Any] | None = field(default=None, repr=False)
    groups: Sequence[Any] | None = field(default=None, repr=False)
    fps: float | None = None
    where: str = "data"


Part: TypeAlias = Files | Texts | Pairs | Columns | Arrays | Audio | Video


@dataclass(frozen=True)
class Splits:
    """Training data with held-out data that the user has cut.

    Attributes:
        train: to train on.
        valid: to choose the best weights by; None to cut it from `train`.
        test: to measure with at the end; None for none, or to cut it from `train` with `valid`.
    """

    train: Part
    valid: Part | None = None
    test: Part | None = None


Given: TypeAlias = Part | Splits


def splits(
    train: Data | Given, valid: Data | Given | None = None, test: Data | Given | None = None
) -> Given:
    """`train` as what it is, with held-out data of the same kind where there are any.

    Raises:
        InputError: as `given`, or data that are cut already together with `valid` or `test`.
    """
    if valid is None and test is None:
        return given(train)
    return Splits(
        _part(train, "data"),
        None if valid is None else _part(valid, "valid"),
        None if test is None else _part(test, "test"),
    )


def given(data: Data | Given, where: str = "data") -> Given:
    """`data` as what it is.

    A `Path` is a file. A string is a file if there is one of that name, else a text: but one that
    looks like a path (no space in it and a suffix or a separator) is refused, since a misspelled
    name would be taken for a text without a word. A list of strings is files if all are there, else
    texts, by the same rule; a list of pairs of strings is pairs; a list of arrays (NumPy, torch, or
    lists of numbers) is sequences, a list of numbers one sequence; (samples, rate) is audio, and so
    is a list of such; an array (T, h, w[, 3]) of bytes is a video, and a list of such is videos; a
    tuple of two lists is inputs with their labels. A column of a frame is a list.

    Raises:
        InputError: nothing that can be sorted, a missing file, labels that are too few or too many.
    """
    return data if isinstance(data, Splits) else _part(data, where)


def one_part(data: Data | Given) -> Part:
    """Data that are not cut into splits.

    Raises:
        InputError: as `given`, or data that are cut.
    """
    return _part(data, "data")


def name_of(part: Part) -> str:
    """What errors call it."""
    return str(part.paths[0]) if isinstance(part, Files) else part.where


def _part(data: Any, where: str) -> Part:
    if isinstance(data, Splits):
        raise InputError(f"{where}: cut into training and held-out data; give one of them")
    if isinstance(data, Texts | Arrays | Audio):
        return _checked(data)
    if isinstance(data, Video):
        return _checked_video(data)
    if isinstance(data, Files | Pairs | Columns):
        return data
    if isinstance(data, Path):
        return Files((data,))
    if isinstance(data, str):
        return Files((Path(data),)) if _is_file(data, where) else Texts([data], where=where)
    if isinstance(data, Mapping):
        return Columns(data, where)
    if _is_recording(data):
        return Audio([_recording(data, where)], where=where)
    if isinstance(data, tuple) and len(data) == 2:
        inputs, labels = map(_items, data)
        if inputs is not None and labels is not None:
            return _with_labels(inputs, labels, where)
    if _is_one_video(data):
        return Video(_videos([data], where), where=where)
    if _is_dated(data):
        return Columns(data.to_frame("value" if data.name is None else data.name), where)
    items = _items(data)
    if items is not None:
        return _of_list(items, where)
    if hasattr(data, "__arrow_c_stream__"):
        return Columns(data, where)
    raise InputError(
        f"{where}: expected a path, texts, a table, pairs or arrays, got {type(data).__name__}"
    )


def _is_dated(data: Any) -> bool:
    """Whether it is a series of pandas, of numbers at times."""
    index = str(getattr(getattr(data, "index", None), "dtype", ""))
    numbers = getattr(getattr(data, "dtype", None), "kind", "") in ("i", "u", "f")
    return numbers and index.startswith(("datetime64", "period"))


def _checked(part: Texts | Arrays | Audio) -> Texts | Arrays | Audio:
    """What was put together by hand: one string is one text, not its characters."""
    if isinstance(part, Audio):
        audio = [_recording(item, f"{part.where}:{n}") for n, item in enumerate(part.audio, 1)]
        items: Iterable[Any] = audio
        part = replace(part, audio=audio)
    else:
        items = part.texts if isinstance(part, Texts) else part.arrays
    if isinstance(items, str):
        return Texts([items], part.labels, part.where)
    if isinstance(part, Texts) and isinstance(items, list | tuple):
        for number, item in enumerate(items, 1):
            if not isinstance(item, str):
                raise InputError(f"{part.where}:{number}: expected text, got {item!r}")
    if part.labels is not None and isinstance(items, Sequence) and len(items) != len(part.labels):
        raise InputError(_unequal(part.where, len(items), len(part.labels)))
    return part


def _unequal(where: str, inputs: int, labels: int) -> str:
    return f"{where}: {inputs:,} inputs and {labels:,} labels; give one each"


def _items(data: Any) -> list[Any] | None:
    """The items of a list, an array, a tensor or one column of a frame; None for anything else."""
    if isinstance(data, Sequence) and not isinstance(data, str | bytes | bytearray | memoryview):
        return list(data)
    if isinstance(data, np.ndarray) and data.ndim:
        return list(data)
    if hasattr(data, "detach"):
        try:
            return list(data.detach().cpu().numpy())
        except (RuntimeError, TypeError) as error:
            raise InputError(
                f"a tensor that is no array ({str(error).splitlines()[0]}); give a NumPy array"
            ) from error
    if hasattr(data, "columns") or hasattr(data, "schema"):
        return None
    listed = getattr(data, "to_pylist", None) or getattr(data, "to_list", None)
    return None if listed is None else list(listed())


def _of_list(items: list[Any], where: str) -> Part:
    if not items:
        raise InputError(f"{where}: an empty list; give at least one item")
    if all(isinstance(item, str | Path) for item in items):
        files = [isinstance(item, Path) or _is_file(item, where) for item in items]
        if all(files):
            return Files(tuple(map(Path, items)))
        if any(files):
            raise InputError(f"{where}: files and texts in one list; give one or the other")
        return Texts(items, where=where)
    if _is_recording(items[0]):
        return Audio(
            [_recording(item, f"{where}:{n}") for n, item in enumerate(items, 1)], None, where
        )
    if _is_video(items[0]):
        return Video(_videos(items, where), where=where)
    if all(_is_pair(item) for item in items):
        return Pairs([(str(source), str(target)) for source, target in items], where)
    if all(isinstance(item, int | float | np.number) for item in items):
        items = [items]
    return Arrays(_arrays(items, where), where=where)


def _with_labels(inputs: list[Any], labels: list[Any], where: str) -> Part:
    if len(inputs) != len(labels):
        raise InputError(_unequal(where, len(inputs), len(labels)))
    if not inputs:
        raise InputError(f"{where}: an empty list; give at least one item")
    labels = [label.tolist() if hasattr(label, "tolist") else label for label in labels]
    if all(isinstance(item, str) for item in inputs):
        return Texts(inputs, labels, where)
    if isinstance(inputs[0], Path) or _is_recording(inputs[0]):
        audio = [_recording(item, f"{where}:{n}") for n, item in enumerate(inputs, 1)]
        return Audio(audio, labels, where)
    if _is_video(inputs[0]):
        return Video(_videos(inputs, where), labels, where=where)
    return Arrays(_arrays(inputs, where), labels, where)


def _is_recording(item: object) -> bool:
    """Whether it is (samples, rate), or the mapping that data sets of Hugging Face have for it."""
    if isinstance(item, Mapping):
        return {"array", "sampling_rate"} <= set(item)
    if not isinstance(item, tuple | list) or len(item) != 2:
        return False
    first, second = item
    return (_has_axes(first) and _is_whole(second)) or (_is_whole(first) and _has_axes(second))


def _has_axes(value: object) -> bool:
    return isinstance(value, list) or len(getattr(value, "shape", ())) > 0


def _is_whole(value: object) -> bool:
    return isinstance(value, int | np.integer) and not isinstance(value, bool)


def _recording(item: Any, where: str) -> tuple[np.ndarray, int] | Path:
    if isinstance(item, Path):
        return item
    if not _is_recording(item):
        raise InputError(f"{where}: expected (samples, rate), got {type(item).__name__}")
    samples, rate = (item["array"], item["sampling_rate"]) if isinstance(item, Mapping) else item
    if _is_whole(samples):
        raise InputError(f"{where}: the rate stands first; give (samples, rate)")
    (array,) = _arrays([samples], where)
    return array, int(rate)


def _arrays(items: list[Any], where: str) -> list[np.ndarray]:
    arrays = []
    for number, item in enumerate(items, 1):
        try:
            array = np.asarray(item.detach().cpu() if hasattr(item, "detach") else item)
        except (RuntimeError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{where}:{number}: not an array of numbers ({reason})") from error
        if array.dtype.kind not in "biuf" or array.ndim not in (1, 2):
            got = f"{array.dtype} of shape {array.shape}"
            if array.dtype.kind in "OUS":
                got = f"{type(item).__name__} {str(item)[:40]!r}"
            if array.ndim in (3, 4):
                got += "; give frames of a video as whole numbers from 0 to 255, uint8"
            raise InputError(
                f"{where}:{number}: expected numbers in one or two axes (steps, channels), got"
                f" {got}"
            )
        arrays.append(array)
    return arrays


def _checked_video(part: Video) -> Video:
    """Videos that were put together by hand."""
    videos = _videos(list(part.videos), part.where)
    if not videos:
        raise InputError(f"{part.where}: an empty list; give at least one item")
    if part.labels is not None and len(part.labels) != len(videos):
        raise InputError(_unequal(part.where, len(videos), len(part.labels)))
    if part.groups is not None and len(part.groups) != len(videos):
        raise InputError(
            f"{part.where}: {len(videos):,} videos and {len(part.groups):,} groups; give one each"
        )
    return replace(part, videos=videos)


def _is_video(item: object) -> bool:
    return len(getattr(item, "shape", ())) in (3, 4) and _has_bytes(item)


def _has_bytes(item: object) -> bool:
    return str(getattr(item, "dtype", "")).removeprefix("torch.") == "uint8"


def _is_one_video(item: object) -> bool:
    """Whether it is one video of bytes, and not several of one length."""
    shape: tuple[int, ...] = getattr(item, "shape", ())
    one = len(shape) == 3 or (len(shape) == 4 and shape[-1] in (1, 3))
    return one and _has_bytes(item)


def _videos(items: list[Any], where: str) -> list[np.ndarray | Path]:
    found: list[np.ndarray | Path] = []
    for number, item in enumerate(items, 1):
        if isinstance(item, str | Path):
            found.append(Path(item))
            continue
        try:
            array = np.asarray(item.detach().cpu() if hasattr(item, "detach") else item)
        except (RuntimeError, TypeError, ValueError) as error:
            reason = str(error).splitlines()[0]
            raise InputError(f"{where}:{number}: not an array of frames ({reason})") from error
        if not _is_video(array):
            raise InputError(
                f"{where}:{number}: a video of {array.dtype} and shape {array.shape}, expected"
                " uint8 (frames, height, width) or (frames, height, width, 3); give whole numbers"
                " from 0 to 255"
            )
        found.append(array)
    return found


def _is_pair(item: object) -> bool:
    return (
        isinstance(item, tuple | list) and len(item) == 2 and all(isinstance(x, str) for x in item)
    )


def _is_file(text: str, where: str) -> bool:
    """Whether a string names a file; raise where it looks like one that is not there."""
    try:
        if text and len(text) < 4096 and "\n" not in text and Path(text).exists():
            return True
    except (OSError, ValueError):
        return False
    looks = text.strip() and not any(c.isspace() for c in text)
    if looks and ("/" in text or "\\" in text or Path(text).suffix[1:].isalnum()):
        raise InputError(
            f"{where}: {text}: there is no such file; to give it as a text, put it into"
            " elman.data.given.Texts"
        )
    return False
