"""Where a classifier's weights begin: from a language model's run, or from a file of vectors.

What is taken is kept in the run directory, so the classifier can be built again without the other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from elman.data.labeled.vectors import read_vectors
from elman.data.tokenizer import Tokenizer, load_tokenizer
from elman.errors import InputError
from elman.files import write_json
from elman.models.cells import CellOptions, cell_options, is_custom
from elman.tasks.classify.config import ClassifyConfig
from elman.tasks.language_model.config import LanguageModelConfig
from elman.tensors import load_tree, save_tree
from elman.training.optim import Pace
from elman.training.run_directory import RunDirectory

_SHARED = ("cell", "hidden_size", "num_layers", "layer_norm", "learn_initial_state")
"""Settings that a classifier takes over from the language model that it starts from."""


@dataclass(frozen=True)
class Architecture:
    """The sizes of an encoder, whoever decided them."""

    cell: str
    hidden_size: int
    num_layers: int
    layer_norm: bool
    learn_initial_state: bool
    embedding_size: int

    @classmethod
    def of(cls, config: ClassifyConfig | LanguageModelConfig, embedding_size: int) -> Architecture:
        """What a config asks for."""
        return cls(
            **{name: getattr(config, name) for name in _SHARED}, embedding_size=embedding_size
        )

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        write_json(path, asdict(self))

    @classmethod
    def load(cls, path: Path) -> Architecture:
        """What `save` wrote.

        Raises:
            InputError: missing or damaged.
        """
        try:
            return cls(**json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError, RecursionError) as error:
            raise InputError(
                f"{path}: cannot be read as the sizes of a network ({error})"
            ) from error

    def options(self, config: ClassifyConfig) -> CellOptions:
        """The options of the cells, of which the config may regularize as it likes."""
        own = cell_options(config)
        shared = {k: v for k, v in asdict(self).items() if hasattr(own, k)}
        return replace(own, **shared)


def from_language_model(
    source: Path, config: ClassifyConfig, weights: Path
) -> tuple[Tokenizer, Architecture]:
    """The tokenizer and the sizes of a language-model run; its weights go to the file `weights`.

    Raises:
        InputError: no such run, one of another task, or settings that contradict it.
    """
    run = RunDirectory.open(source)
    task, settings = run.read_config()
    if task != "language-model":
        raise InputError(f"--from {source}: a {task} run; give a language-model run")
    if not run.model_path.exists():
        raise InputError(f"--from {source}: has no weights yet; train it on with `elman resume`")
    theirs = LanguageModelConfig.model_validate(settings)
    if is_custom(theirs.cell):
        raise InputError(
            f"--from {source}: its cell is code of one's own ({theirs.cell}), which"
            " can't be started from"
        )
    sizes = Architecture.of(theirs, theirs.embedding_width)
    for name in (*_SHARED, "embedding_size", "unit"):
        if name not in config.model_fields_set or getattr(config, name) is None:
            continue
        known = getattr(sizes, name) if name != "unit" else theirs.unit
        if getattr(config, name) != known:
            flag = name.replace("_", "-")
            raise InputError(
                f"--{flag} {getattr(config, name)}: the run {source} has {known}; leave it out"
            )
    tree = load_tree(run.model_path)
    kept = {n: t for n, t in tree.items() if n.startswith(("embedding.", "layers."))}
    save_tree(weights, kept)
    return load_tokenizer(run.path / "tokenizer.json"), sizes


def from_vectors(config: ClassifyConfig, tokenizer: Tokenizer, weights: Path) -> tuple[int, str]:
    """Write an embedding that begins with the vectors of a file; its width, and a line about it.

    Tokens that the file lacks begin at random, as far from zero as the others.

    Raises:
        InputError: a file that can't be read, or vectors of another width than was asked for.
    """
    assert config.vectors is not None
    wanted = [tokenizer.token(token) for token in range(tokenizer.vocab_size)]
    vectors = read_vectors(config.vectors, wanted, config.vectors_vocabulary, config.embedding_size)
    matrix, found = vectors.matrix.astype(np.float32), vectors.found
    spread = float(matrix[found].std()) if found.any() else 0.1
    rng = np.random.default_rng(config.seed)
    matrix[~found] = rng.normal(0, spread, (int((~found).sum()), matrix.shape[1]))
    save_tree(weights, {"embedding.weight": torch.from_numpy(matrix)})
    line = (
        f"{config.vectors.name}: {int(found.sum()):,} of {len(wanted):,} tokens have a vector of"
        f" {matrix.shape[1]}; {100 * float(1 - found.mean()):.1f} % are out of its vocabulary"
    )
    return matrix.shape[1], line


def load_start(path: Path) -> Mapping[str, Tensor]:
    """The weights that were kept at `path`; none where there is no such file."""
    tree: Any = load_tree(path) if path.exists() else {}
    return {name: tensor for name, tensor in tree.items() if isinstance(tensor, Tensor)}


def paces(names: Sequence[str], config: ClassifyConfig) -> dict[str, Pace]:
    """How fast each parameter learns, and from which step on.

    The read-out and the pooling are at the top: factor 1 from step 0. The layers follow from the
    last to the first, then the embedding, each a factor of `rate_decay` slower than the one above
    and `unfreeze_every` steps later.

    Source: Howard & Ruder 2018, arXiv:1801.06146, section 3.3.
    """
    tops = sorted({int(n.split(".")[1]) for n in names if n.startswith("layers.")}, reverse=True)
    depth = {f"layers.{layer}.": below for below, layer in enumerate(tops, 1)}
    depth["embedding."] = len(tops) + 1
    found = {}
    for name in names:
        below = next((d for prefix, d in depth.items() if name.startswith(prefix)), 0)
        found[name] = Pace(config.rate_decay**below, config.unfreeze_every * below)
    return found
