"""tinyshakespeare, characters, 90/10: loss against time, beside a Transformer of nanoGPT's size."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median

import torch

from benchmarks.quality import curves, transformer
from benchmarks.quality.curves import Curve
from benchmarks.quality.running import Options, Trained, data_file, train
from benchmarks.results import circumstances, table, write_section
from elman.files import write_text

CURVES = Path(__file__).parent / "curves"
PUBLISHED = {
    "nanoGPT's README: 6 layers, 3 minutes on an A100": 1.4697,
    "nanoGPT's README: 4 layers, CPU": 1.88,
}
COLUMNS = (
    *("seed", "parameters", "steps", "ms a step", "minutes of training"),
    *("validation loss, nats per character", "at step"),
)
PROTOCOL = """\
The first 90 % of the characters train, the last 10 % validate. The loss is the lowest of the
evaluations, as in nanoGPT's README; each goes once through all of the validation text with the
state carried. Evaluations and checkpoints are not counted in the minutes."""


def six_minutes(options: Options) -> None:
    """One layer, several seeds, and the Transformer beside it."""
    title = "tinyshakespeare, characters, within 6 minutes"
    trained = _train_seeds("tinyshakespeare", options)
    losses = [t.outcome.best_loss for t in trained]
    transformer_curve = _transformer(options)
    last = transformer_curve[-1]
    lowest = min(reading.loss for reading in transformer_curve)
    body = f"""\
Median {median(losses):.4f}, best {min(losses):.4f} of {len(losses)} seeds;
slowest {max(t.minutes for t in trained):.1f} minutes.

{table(COLUMNS, [_row(t) for t in trained])}

{PROTOCOL}

Beside it, nanoGPT's CPU setting (4 layers, 4 heads, 128 wide, block 64, batch 12, 2000
iterations) as our own small Transformer, over all of the validation text in windows of 64:
**{lowest:.4f}** after {last.seconds:.0f} seconds of training. nanoGPT's README reports 1.88 for
this setting, and 1.4697 for 6 layers with windows of 256 after 3 minutes on an A100.

{circumstances(options.command, options.threads)}"""
    write_section(title, body)
    _draw(
        {"LSTM, 1 layer of 512": _best(trained).curve, "Transformer, 4 layers": transformer_curve}
    )


def twenty_minutes(options: Options) -> None:
    """A wider layer with noise on its memory, for longer."""
    title = "tinyshakespeare, characters, within 20 minutes"
    trained = _train_seeds("tinyshakespeare-long", options)
    best = _best(trained)
    body = f"""\
Validation loss **{best.outcome.best_loss:.4f}** after {best.minutes:.1f} minutes of training.

{table(COLUMNS, [_row(t) for t in trained])}

{PROTOCOL}

{circumstances(options.command, options.threads)}"""
    write_section(title, body)
    _draw({"LSTM, 1 layer of 768, layer norm": best.curve})


def _train_seeds(recipe: str, options: Options) -> list[Trained]:
    splits = _split(data_file("tinyshakespeare", "input.txt"), options.out / "tinyshakespeare-data")
    return [
        train(recipe, splits, f"{recipe}-seed{seed}", options, seed=seed)
        for seed in range(1, options.seeds + 1)
    ]


def _best(trained: list[Trained]) -> Trained:
    return min(trained, key=lambda t: t.outcome.best_loss)


def _row(trained: Trained) -> list[str]:
    outcome = trained.outcome
    return [
        str(trained.run.task.config.seed),
        f"{trained.parameters:,}",
        f"{outcome.step:,}",
        f"{trained.milliseconds:.0f}",
        f"{trained.minutes:.1f}",
        f"{outcome.best_loss:.4f}",
        f"{outcome.best_step:,}",
    ]


def _split(source: Path, folder: Path) -> list[Path]:
    """The first 90 % and the last 10 % as files, cut where nanoGPT cuts."""
    text = source.read_bytes().decode("utf-8")
    folder.mkdir(parents=True, exist_ok=True)
    cut = int(0.9 * len(text))
    paths = [folder / "train.txt", folder / "valid.txt"]
    for path, part in zip(paths, (text[:cut], text[cut:]), strict=True):
        write_text(path, part)
    return paths


def _transformer(options: Options) -> Curve:
    """The Transformer's curve; kept in the folder of runs, so that it is trained once."""
    kept = options.out / "tinyshakespeare-transformer.csv"
    name = "Transformer"
    if name not in curves.read_csv(kept):
        text = data_file("tinyshakespeare", "input.txt").read_text(encoding="utf-8")
        ids = {character: number for number, character in enumerate(sorted(set(text)))}
        tokens = torch.tensor([ids[character] for character in text])
        cut = int(0.9 * len(tokens))
        torch.set_num_threads(options.threads)
        recipe = transformer.TransformerRecipe()
        curve = list(transformer.train(tokens[:cut], tokens[cut:], len(ids), recipe, seed=1))
        curves.write_csv(kept, {name: curve})
    return curves.read_csv(kept)[name]


def _draw(new: Mapping[str, Curve]) -> None:
    """Put curves among those there are, as data and as a picture."""
    CURVES.mkdir(exist_ok=True)
    table_path = CURVES / "tinyshakespeare.csv"
    merged = {**curves.read_csv(table_path), **new}
    curves.write_csv(table_path, merged)
    title = "tinyshakespeare: validation loss against training time on a CPU"
    curves.plot(CURVES / "tinyshakespeare.png", merged, title, PUBLISHED)
