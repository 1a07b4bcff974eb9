"""What a classifier's weights start from: a language model, a file of word vectors, or nothing.

What is used is copied, so that the classifier can be made again without its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from elman.data.labeled.vectors import read_vectors
from elman.data.tokenizer import Tokenizer, tokenizer_from_bytes
from elman.errors import InputError
from elman.models.cells import is_custom
from elman.predictors.language_model import TOKENIZER, Architecture
from elman.predictors.predictor import WEIGHTS, folder_of, read_parts
from elman.settings import adapter
from elman.tasks.classify.config import ClassifyConfig
from elman.tensors import load_model, load_tree, save_tree
from elman.training.optim import Pace

_SIZES = ("cell", "hidden_size", "num_layers", "embedding_size")
_OPTIONS = ("layer_norm", "learn_initial_state")
"""Settings that a classifier takes over from the language model that it starts from."""


@dataclass(frozen=True, eq=False)
class Start:
    """Weights to start from, by name, and the fields of the config that they decide."""

    weights: Mapping[str, Tensor] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        if self.weights:
            save_tree(path, {"weights": dict(self.weights), "settings": dict(self.settings)})

    @classmethod
    def load(cls, path: Path) -> Self:
        """What `save` wrote."""
        return cls(**load_tree(path)) if path.exists() else cls()


def from_language_model(source: Path, config: ClassifyConfig) -> tuple[Tokenizer, Start]:
    """The tokenizer, the embedding and the layers of a language model."""
    try:
        folder = folder_of(source)
        kind, parts = read_parts(folder)
    except InputError as error:
        raise InputError(f"--from {error}") from error
    if kind != "language-model":
        raise InputError(f"--from {source}: a {kind}; give a language-model run")
    if not (folder / WEIGHTS).exists():
        raise InputError(f"--from {source}: has no weights yet; train it on with `elman resume`")
    theirs = adapter(Architecture).validate_python(parts.settings)
    if is_custom(theirs.cell):
        raise InputError(
            f"--from {source}: its cell is code of one's own ({theirs.cell}), which can't be"
            " started from"
        )
    tokenizer = tokenizer_from_bytes(parts.files[TOKENIZER], f"{folder / TOKENIZER}")
    settings = {name: getattr(theirs, name) for name in _SIZES}
    settings |= {name: getattr(theirs.options, name) for name in _OPTIONS}
    for name, known in {**settings, "unit": tokenizer.unit}.items():
        asked = getattr(config, name)
        if name in config.model_fields_set and asked is not None and asked != known:
            flag = name.replace("_", "-")
            raise InputError(f"--{flag} {asked}: the run {source} has {known}; leave it out")
    model = theirs.make(tokenizer.vocab_size)
    load_model(folder / WEIGHTS, model)
    kept = ("embedding.", "layers.")
    weights = {name: w for name, w in model.state_dict().items() if name.startswith(kept)}
    return tokenizer, Start(weights, settings)


def from_vectors(config: ClassifyConfig, tokenizer: Tokenizer) -> tuple[Start, str]:
    """An embedding of the word vectors of a file, and a line about it.

    Tokens that the file lacks start at random, as far from zero as the others.
    """
    assert config.vectors is not None
    tokens = [tokenizer.token(token) for token in range(tokenizer.vocab_size)]
    vectors = read_vectors(config.vectors, tokens, config.vectors_vocabulary, config.embedding_size)
    matrix, found = vectors.matrix.astype(np.float32), vectors.found
    spread = float(matrix[found].std()) if found.any() else 0.1
    rng = np.random.default_rng(config.seed)
    matrix[~found] = rng.normal(0, spread, (int((~found).sum()), matrix.shape[1]))
    line = (
        f"{config.vectors.name}: {int(found.sum()):,} of {len(tokens):,} tokens have a vector of"
        f" {matrix.shape[1]}; {100 * float(1 - found.mean()):.1f} % are out of its vocabulary"
    )
    weights = {"embedding.weight": torch.from_numpy(matrix)}
    return Start(weights, {"embedding_size": matrix.shape[1]}), line


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
