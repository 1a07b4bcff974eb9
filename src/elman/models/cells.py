"""Which recurrent layer `--cell` names.

A built-in cell is a word of one literal table; anything else is the path of a class of one's
own, `package.module:Class`, which is constructed as `Class(input_size, hidden_size)` and run
over time by `elman.Recurrent`.
"""

import importlib
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from torch import nn

from elman.errors import InputError
from elman.layers.gru import GRU
from elman.layers.lstm import LSTM
from elman.layers.recurrent import Recurrent
from elman.layers.rnn import RNN
from elman.models.stacked import output_width

CELLS: dict[str, Callable[..., nn.Module]] = {
    "rnn": RNN,
    "rnn-relu": partial(RNN, nonlinearity="relu"),
    "gru": GRU,
    "lstm": LSTM,
}


@dataclass(frozen=True)
class CellOptions:
    """What the built-in layers take beyond their sizes; see `elman.LSTM`."""

    layer_norm: bool = False
    zoneout: float = 0.0
    cell_zoneout: float | None = None  # of an LSTM's c, where that differs from its h
    recurrent_dropout: float = 0.0
    weight_dropout: float = 0.0
    forget_bias: float | None = None
    chrono: float | None = None
    learn_initial_state: bool = False
    init: str = "torch"


def cell_options(config: BaseModel) -> CellOptions:
    """The options among the fields of `config`; those that it does not have keep their defaults."""
    named = {f.name for f in fields(CellOptions)} & type(config).model_fields.keys()
    return CellOptions(**{name: getattr(config, name) for name in named})


def is_custom(cell: str) -> bool:
    """Whether `cell` is the path of a user's class."""
    return ":" in cell


def trusted_cell(where: str, recorded: str, named: str | None) -> str:
    """The cell to load for the network `where`, saved with `recorded`; the user may name it.

    A user's own code is imported only where the user names it again, else this is an InputError.
    """
    if named is None:
        if is_custom(recorded):
            raise InputError(
                f"{where}: its cell is code of its own; give --cell {recorded} to load and run it"
            )
        return recorded
    if named != recorded and not is_custom(recorded):
        raise InputError(f"--cell {named}: {where} was trained with {recorded}; leave it out")
    return named


def trusted_code(where: str, recorded: Mapping[str, Any], named: str | None) -> dict[str, str]:
    """`trusted_cell` for the settings of a network, whose encoder may be the user's own instead.

    Returns the setting that names the code to load.
    """
    cell, encoder = str(recorded.get("cell", "")), str(recorded.get("encoder", ""))
    if not is_custom(encoder):
        return {"cell": trusted_cell(where, cell, named)}
    if is_custom(cell):
        raise InputError(f"{where}: its cell and its encoder are both code of its own; train again")
    if named is None:
        raise InputError(
            f"{where}: its encoder is code of its own; give --cell {encoder} to load and run it"
        )
    return {"encoder": named}


def check_cell(cell: str) -> None:
    """Raise InputError when `cell` is neither in the table nor written as a path."""
    if cell not in CELLS and not is_custom(cell):
        raise InputError(
            f"--cell {cell}: no such cell; choose from {', '.join(CELLS)}, or give a class of "
            f"your own as package.module:Class"
        )


def recurrent_layer(
    cell: str,
    input_size: int,
    hidden_size: int,
    options: CellOptions,
    *,
    bidirectional: bool = False,
) -> nn.Module:
    """One recurrent layer of kind `cell`, input_size -> hidden_size, or 2 hidden_size both ways.

    Raises:
        InputError: for an unknown name, a class that can't be imported or constructed, or an
            option that the cell does not have.
    """
    check_cell(cell)
    if is_custom(cell):
        given = changed(options)
        if given:
            raise InputError(
                f"--{given[0].replace('_', '-')}: only the built-in cells have it; a cell of "
                f"your own ({cell}) regularizes itself, so leave the flag out"
            )
        made = _construct(cell, input_size, hidden_size)
        other = _construct(cell, input_size, hidden_size) if bidirectional else None
        try:
            return Recurrent(made, other)
        except TypeError as error:
            raise InputError(f"--cell {cell}: {error}") from error
    named = {name: getattr(options, name) for name in changed(options)}
    if (of_c := named.pop("cell_zoneout", None)) is not None:
        if cell != "lstm":
            raise InputError("--cell-zoneout: only an LSTM has a cell state; leave the flag out")
        named["zoneout"] = (options.zoneout, of_c)
    if bidirectional:
        named["bidirectional"] = True
    try:
        return CELLS[cell](input_size, hidden_size, **named)
    except InputError:
        raise
    except ValueError as error:
        raise InputError(f"--cell {cell}: {error}") from error


def recurrent_layers(
    cell: str,
    input_size: int,
    hidden_sizes: Iterable[int],
    options: CellOptions,
    *,
    bidirectional: bool = False,
) -> list[nn.Module]:
    """A layer of each hidden size, the first reading `input_size` and each other the one below."""
    layers: list[nn.Module] = []
    for size in hidden_sizes:
        layers.append(recurrent_layer(cell, input_size, size, options, bidirectional=bidirectional))
        input_size = output_width(layers[-1:], input_size)
    return layers


def changed(options: CellOptions) -> list[str]:
    """The names of the options that differ from their defaults."""
    return [f.name for f in fields(options) if getattr(options, f.name) != f.default]


def own_module(flag: str, path: str, sizes: Mapping[str, int]) -> nn.Module:
    """A module of the user's own, the class at `path` (`package.module:Class`), of these sizes.

    Raises:
        InputError: one that can't be imported or constructed, in a line that names `flag`.
    """
    module_name, _, class_name = path.partition(":")
    # A console script does not have the current folder on its path, where a class of one's own
    # most often is.
    if (here := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, here)
    try:
        module = importlib.import_module(module_name)
    except (ImportError, SyntaxError) as error:
        raise InputError(
            f"{flag} {path}: can't import {module_name!r} ({error}); run from the folder that "
            f"holds it, or put it on PYTHONPATH"
        ) from error
    made: Any = getattr(module, class_name, None)
    if not (isinstance(made, type) and issubclass(made, nn.Module)):
        raise InputError(
            f"{flag} {path}: {module_name!r} has no torch.nn.Module class {class_name!r}"
        )
    try:
        return made(*sizes.values())
    except TypeError as error:
        raise InputError(
            f"{flag} {path}: it is constructed as {class_name}({', '.join(sizes)}), which "
            f"failed: {error}"
        ) from error


def _construct(path: str, input_size: int, hidden_size: int) -> nn.Module:
    return own_module("--cell", path, {"input_size": input_size, "hidden_size": hidden_size})
