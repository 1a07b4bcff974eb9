"""A trained network as a value: what every kind of predictor is, and the folder that holds one.

    predictor.json       the kind, its settings, a hash of each other file
    model.safetensors    the weights
    ...                  what turns raw input into steps and outputs into answers: a tokenizer,
                         a scaler

No run directory, no training data and no settings of training are needed to use one.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import shutil
import time
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, is_dataclass
from importlib import metadata
from pathlib import Path
from pkgutil import resolve_name
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, TypeAlias, overload

import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from typing_extensions import TypeVar

from elman.bounds import read_settings
from elman.checksums import SEAL, damaged, is_intact, sealed
from elman.data.given import Data, Given, given
from elman.errors import InputError, missing_extra
from elman.files import as_path, json_bytes, write_bytes
from elman.machine import use_device
from elman.models.cells import trusted_code
from elman.parse import parse_json
from elman.predictors.check_settings import check_same, check_sizes
from elman.settings import Options, validated
from elman.streaming.session import Session
from elman.tensors import load_tree, load_weights, save_model

if TYPE_CHECKING:
    import pandas as pd

FORMAT = 3
"""Raised when a predictor's folder can no longer be read by the code before it."""

_TRIES, _MOMENT = 3, 0.05
"""How often, and after how many seconds again, parts are read that do not fit together."""

HEADER, WEIGHTS = "predictor.json", "model.safetensors"

KINDS: dict[str, str] = {
    "language-model": "elman.predictors.language_model:LanguageModelPredictor",
    "classifier": "elman.predictors.classifier:ClassifierPredictor",
    "translator": "elman.predictors.translator:TranslatorPredictor",
    "forecaster": "elman.predictors.forecaster:ForecasterPredictor",
    "recognizer": "elman.predictors.recognizer:RecognizerPredictor",
    "memory": "elman.predictors.memory:MemoryPredictor",
}

Record: TypeAlias = Any
"""A row: an instance of a dataclass, or a mapping, with the same columns from row to row."""


def columns(record: Record) -> dict[str, Any]:
    """The names and values of a row, nested dataclasses as mappings."""
    if isinstance(record, Mapping):
        return dict(record)
    # `asdict` copies every value, which for flat rows takes as long as making them.
    return {name: _nested(value) for name, value in vars(record).items()}


def _nested(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return type(value)(map(_nested, value))
    return columns(value) if is_dataclass(value) else value


RowT_co = TypeVar("RowT_co", default=Any, covariant=True)


class Records(Sequence[RowT_co]):
    """The answers to a table, a file or a list: a sequence of rows."""

    def __init__(self, records: Iterable[RowT_co]) -> None:
        self._records = tuple(records)

    @overload
    def __getitem__(self, index: int) -> RowT_co: ...
    @overload
    def __getitem__(self, index: slice) -> Records[RowT_co]: ...
    def __getitem__(self, index: int | slice) -> RowT_co | Records[RowT_co]:
        if isinstance(index, slice):
            return Records(self._records[index])
        return self._records[index]

    def __len__(self) -> int:
        return len(self._records)

    def __repr__(self) -> str:
        names = ", ".join(columns(self[0])) if self._records else "none"
        return f"<Records: {len(self):,} rows of {names}>"

    def to_frame(self) -> pd.DataFrame:
        """The rows as a pandas frame.

        Raises:
            InputError: pandas is not installed.
        """
        try:
            import pandas as pd
        except ImportError as error:
            raise missing_extra("to_frame", "pandas", "text") from error
        return pd.DataFrame([columns(record) for record in self._records])


@dataclass(frozen=True)
class Parts:
    """A predictor without its weights: its settings as JSON, and each further file by name."""

    settings: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)


class Predictor(ABC, Generic[RowT_co]):
    """A network with what turns raw input into its steps and its outputs into answers.

    Args:
        model: the network.
        name: what messages call it: the folder it was loaded from.
    """

    kind: ClassVar[str]
    Prediction: ClassVar[type[Options]] = Options
    Streaming: ClassVar[type[Options]] = Options
    """The options of `predict` and `session`; each field is a flag of the command line too."""

    def __init__(self, model: nn.Module, name: str = "the predictor") -> None:
        self._network = model
        self._hashed: tuple[object, str] | None = None
        self.name = name

    @classmethod
    @abstractmethod
    def of(cls, parts: Parts, name: str) -> Self:
        """The predictor of `parts` with fresh weights.

        Raises:
            InputError, KeyError, TypeError, ValueError: parts that do not fit together.
        """

    @abstractmethod
    def parts(self) -> Parts:
        """All but the weights: what `of` makes the same predictor from."""

    @abstractmethod
    def answers(self, inputs: Given | None, options: Options) -> Iterator[RowT_co]:
        """What `predict` gives, a row at a time, each as soon as it can be said."""

    @abstractmethod
    def open_session(self, options: Options) -> Session[Any, Any]:
        """What `session` gives."""

    def predict(self, inputs: Data | Given | None = None, **options: object) -> Records[RowT_co]:
        """The answers to `inputs`, a row each.

        Args:
            inputs: what people hold; see `elman.data.given.given`.
            options: the fields of this kind's `Prediction`.

        Raises:
            InputError: inputs that can't be read, or an option that this kind does not have.
        """
        chosen = self.options(self.Prediction, options)
        return Records(self.answers(None if inputs is None else given(inputs, "inputs"), chosen))

    def session(self, **options: object) -> Session[Any, Any]:
        """A live sequence that is pushed on chunk by chunk.

        Args:
            options: the fields of this kind's `Streaming`.

        Raises:
            InputError: an option that this kind does not have, or a network that can't stream.
        """
        return self.open_session(self.options(self.Streaming, options))

    def options(self, kind: type[Options], chosen: Mapping[str, Any]) -> Options:
        """The options of one use, checked."""
        for name in chosen:
            if name not in kind.model_fields:
                flag = name.replace("_", "-")
                near = difflib.get_close_matches(name, kind.model_fields, n=1)
                meant = f"; did you mean --{near[0].replace('_', '-')}?" if near else ""
                raise InputError(f"--{flag}: a {self.kind} has no such setting here{meant}")
        return validated(kind, {}, chosen, self.name)

    def save(self, folder: str | Path, *, overwrite: bool = False) -> None:
        """Write a folder that `elman.load` takes, whole or not at all.

        Args:
            folder: one that is not there yet, or is empty.
            overwrite: replace a predictor that is there.

        Raises:
            InputError: there is something else at `folder`.
            OSError: it cannot be written.
        """
        folder = as_path(folder, "folder").absolute()  # "." has a name of its own then
        taken = folder.exists() and (not folder.is_dir() or any(folder.iterdir()))
        if taken and not (overwrite and (folder / HEADER).is_file()):
            raise InputError(
                f"{folder}: is there already; choose another folder, or say overwrite=True to"
                " replace a predictor"
            )
        partial, replaced = (folder.with_name(f".{folder.name}.{end}") for end in ("new", "old"))
        for leftover in (partial, replaced):
            shutil.rmtree(leftover, ignore_errors=True)
        partial.mkdir(parents=True)
        try:
            write_parts(partial, self.kind, self.parts())
            save_model(partial / WEIGHTS, self._network)
            if folder.exists():
                folder.rename(replaced)
            partial.rename(folder)
        except BaseException:
            if replaced.exists():
                replaced.rename(folder)
            raise
        finally:
            for leftover in (partial, replaced):
                shutil.rmtree(leftover, ignore_errors=True)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the weights and of all else that decides the answers.

        It is computed again when a weight has changed, so that no snapshot is taken for one of
        other weights.
        """
        weights = self._network.state_dict()
        versions = tuple(
            (name, tensor.data_ptr(), 0 if tensor.is_inference() else tensor._version)
            for name, tensor in weights.items()
        )
        if self._hashed is None or self._hashed[0] != versions:
            self._hashed = (versions, self._hash(weights))
        return self._hashed[1]

    def _hash(self, weights: Mapping[str, Tensor]) -> str:
        parts = self.parts()
        settings = json.dumps(parts.settings, sort_keys=True, allow_nan=False)
        digest = hashlib.sha256(settings.encode())
        for name, content in sorted(parts.files.items()):
            digest.update(f"{name}\0{len(content)}\0".encode() + content)
        for name, tensor in weights.items():
            digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
            flat = tensor.detach().cpu().reshape(-1)  # a tensor without axes has no view as bytes
            digest.update(flat.view(torch.uint8).numpy().data)
        return digest.hexdigest()

    def to(self, device: str) -> Self:
        """This predictor, moved to a device."""
        self._network.to(device)
        return self

    @property
    def network(self) -> nn.Module:
        """The network; kinds give it under its own type as `model`."""
        return self._network

    def __repr__(self) -> str:
        numbers = sum(p.numel() for p in self._network.parameters())
        return f"<{type(self).__name__} {self.name}: {numbers:,} weights>"


def write_parts(folder: Path, kind: str, parts: Parts) -> None:
    """Write all of a predictor but its weights into an existing folder."""
    for name, content in parts.files.items():
        write_bytes(folder / name, content)
    hashes = {name: hashlib.sha256(content).hexdigest() for name, content in parts.files.items()}
    header = {
        "sha256": SEAL,
        "elman": {"format": FORMAT, "version": metadata.version("elman"), "kind": kind},
        "settings": dict(parts.settings),
        "files": hashes,
    }
    write_bytes(folder / HEADER, sealed(json_bytes(header)))


def read_parts(folder: Path) -> tuple[str, Parts]:
    """The kind and the parts that `write_parts` wrote.

    A run in training may be replacing them, one file after the other, so what does not fit together
    is read once more a moment later.

    Raises:
        InputError: a file is missing, damaged or of another format.
    """
    for _ in range(_TRIES - 1):
        try:
            return _read_parts(folder)
        except InputError:
            time.sleep(_MOMENT)
    return _read_parts(folder)


def _read_parts(folder: Path) -> tuple[str, Parts]:
    path = folder / HEADER
    try:
        written = read_settings(path)
        intact = is_intact(written)
        content = parse_json(written) if intact else _older(written)
        if content is None:
            raise damaged(path)
        header = _mapping(content, "elman")
        if header.get("format") != FORMAT:
            raise InputError(
                f"{path}: a predictor of format {header.get('format')!r}, expected {FORMAT}; train"
                " it again"
            )
        kind = header.get("kind")
        if not isinstance(kind, str) or kind not in KINDS:
            raise InputError(
                f"{path}: {kind!r} is no kind of predictor; expected {', '.join(KINDS)}"
            )
        settings, files = _mapping(content, "settings"), {}
        for name, expected in _mapping(content, "files").items():
            if Path(name).name != name:
                raise InputError(f"{path}: {name!r} is not a file of this folder")
            files[name] = (folder / name).read_bytes()
            if hashlib.sha256(files[name]).hexdigest() != expected:
                raise damaged(folder / name)
    except InputError:
        raise
    except FileNotFoundError as error:
        raise InputError(
            f"{error.filename}: is missing; expected the folder of a predictor"
        ) from error
    except (OSError, TypeError, ValueError) as error:
        raise InputError(f"{path}: cannot be read ({error})") from error
    return kind, Parts(settings, files)


def _older(written: bytes) -> Any:
    """The header of a format that had no seal; None for one that is damaged."""
    try:
        content = parse_json(written)
        return content if 0 < content["elman"]["format"] < FORMAT else None
    except (RecursionError, KeyError, TypeError, ValueError):
        return None


def _mapping(content: Any, name: str) -> dict[str, Any]:
    """The object called `name` of a header."""
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise ValueError(f"{name!r} must be an object, got {type(found).__name__}")
    return found


def kind_class(kind: str) -> type[Predictor]:
    """The class of a kind of `KINDS`."""
    found: type[Predictor] = resolve_name(KINDS[kind])
    return found


def make(kind: str, parts: Parts, name: str) -> Predictor:
    """The predictor of `parts`, with fresh weights."""
    try:
        return kind_class(kind).of(parts, name)
    except InputError as error:
        if name in str(error):
            raise
        raise InputError(f"{name}: {error}") from error
    except (
        *(ArithmeticError, AttributeError, LookupError, SafetensorError),
        *(TypeError, ValueError, RuntimeError),
    ) as error:
        # torch adds the stack of its C++ code to some messages
        reason = " ".join(str(error).split()).partition(" Exception raised from ")[0][:300]
        raise InputError(f"{name}: its parts do not fit together ({reason})") from error


PredictorT = TypeVar("PredictorT", bound=Predictor)


@overload
def load(path: str | Path, *, cell: str | None = None, device: str = "cpu") -> Predictor: ...
@overload
def load(
    path: str | Path, kind: type[PredictorT], *, cell: str | None = None, device: str = "cpu"
) -> PredictorT: ...
def load(
    path: str | Path,
    kind: type[Predictor] | None = None,
    *,
    cell: str | None = None,
    device: str = "cpu",
) -> Predictor:
    """A predictor from its folder, or from the run directory that holds one.

    Args:
        path: what `Predictor.save` or `elman train` wrote.
        kind: the class that it must be of, such as `elman.ClassifierPredictor`; so its methods are
            known to editors and type checkers.
        cell: the class, `package.module:Class`, of a predictor whose cell is the user's own; such
            code is only ever loaded when it is named here.
        device: where to run it.

    Raises:
        InputError: no predictor, one of another format, no weights yet, or damaged files.
    """
    use_device(device)
    folder = folder_of(as_path(path, "path"))
    name, parts = read_parts(folder)
    if kind is not None and not issubclass(kind_class(name), kind):
        raise InputError(f"{path}: holds a {kind_class(name).__name__}, expected a {kind.__name__}")
    if cell is not None or {"cell", "encoder"} & parts.settings.keys():
        code = trusted_code(str(path), parts.settings, cell)
        parts = Parts({**parts.settings, **code}, parts.files)
    weights = folder / WEIGHTS
    if not weights.exists():
        raise InputError(f"{path}: has no weights yet; go on with `elman resume {path}`")
    tree = load_tree(weights)
    check_sizes(parts.settings, weights.stat().st_size, str(folder / HEADER))
    predictor = make(name, parts, str(path))
    check_same(parts.settings, predictor.parts().settings, str(folder / HEADER))
    load_weights(predictor.network, tree, weights)
    predictor.network.eval()
    return predictor.to(device)


def folder_of(path: Path) -> Path:
    """The predictor's folder of a run directory, or `path` itself."""
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder, expected a run or a predictor")
    if (path / HEADER).is_file():
        return path
    inner = path / "predictor"
    if (inner / HEADER).is_file():
        return inner
    if (path / "config.toml").is_file():
        raise InputError(
            f"{path}: a run without a predictor, begun no further or of an older format; go on with"
            f" `elman resume {path}`, or delete it and train again"
        )
    raise InputError(
        f"{path}: holds no predictor; give the --out of `elman train` or a predictor's folder"
    )
