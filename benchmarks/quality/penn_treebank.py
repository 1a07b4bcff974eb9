"""Penn Treebank (Mikolov's preparation): perplexity per word, bits per character."""

from __future__ import annotations

from pathlib import Path

from benchmarks.quality.running import Options, data_file, train
from benchmarks.results import circumstances, table, write_section
from elman.files import write_text

SPLITS = ("train", "valid", "test")
COLUMNS = ("seed", "parameters", "steps", "ms a step", "minutes of training")
PROTOCOL = """\
Perplexity per word, `<eos>` included, of the weights with the lowest validation loss. Each split
is read as one sequence from its first word to its last, with the state carried and nothing
adapted. Evaluations and checkpoints are not counted in the minutes."""


def small(options: Options) -> None:
    """The small model of Zaremba et al. 2014 on its own schedule."""
    note = """\
Two layers of 200, no dropout, SGD at rate 1 on the loss summed over 20 steps (20 on the mean per
word), gradients clipped to 5 (0.25), batch 20, matrices from U(-0.1, 0.1); the rate is halved
each epoch after the fourth, for 13 epochs. Published (arXiv:1409.2329): 114.5."""
    _figure(
        "penn-treebank-small",
        "Penn Treebank, words, the small model of Zaremba 2014",
        note,
        options,
    )


def best(options: Options) -> None:
    """Our own recipe for less than an hour."""
    note = """\
Published, for scale: medium LSTM 82.7 and large 78.4 (Zaremba et al. 2014), AWD-LSTM 58.8
(Merity et al. 2017), each after far longer training."""
    _figure("penn-treebank", "Penn Treebank, words, within 60 minutes", note, options)


def characters(options: Options) -> None:
    """The same text by characters, in less than an hour."""
    note = """\
Bits per character over all characters of the text, each weighing the same; spaces are written `_`,
a newline counts as a character and nothing else is added. A split is cut into 32 rows, which are
read side by side, each from an empty memory on, with the state carried and nothing adapted; the
weights are those with the lowest validation loss.
Evaluations and checkpoints are not counted in the minutes. Published (Bai et al. 2018,
arXiv:1803.01271): LSTM 1.36, GRU 1.37, RNN 1.48."""
    folder = options.out / "penn-treebank-characters-data"
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{split}.txt" for split in SPLITS]
    for source, to in zip(_words(), files, strict=True):
        lines = source.read_text(encoding="utf-8").splitlines()
        write_text(to, "".join(line.strip().replace(" ", "_") + "\n" for line in lines))
    rows = _rows("penn-treebank-characters", files, "bits", options)
    columns = (*COLUMNS, "validation bits per character", "test bits per character")
    title = "Penn Treebank, characters, within 60 minutes"
    _write(title, columns, rows, note, options)


def _figure(recipe: str, title: str, note: str, options: Options) -> None:
    rows = _rows(recipe, _words(), "perplexity", options)
    columns = (*COLUMNS, "validation perplexity", "test perplexity")
    _write(title, columns, rows, f"{note}\n\n{PROTOCOL}", options)


def _words() -> list[Path]:
    return [data_file("penn-treebank", f"ptb.{split}.txt") for split in SPLITS]


def _rows(recipe: str, files: list[Path], metric: str, options: Options) -> list[list[str]]:
    """Train on each seed; one row of the table for each."""
    digits = 2 if metric == "perplexity" else 3
    rows = []
    for seed in range(1, options.seeds + 1):
        trained = train(recipe, files, f"{recipe}-seed{seed}", options, seed=seed)
        scores = trained.scores(metric)
        rows.append(
            [
                str(seed),
                f"{trained.parameters:,}",
                f"{trained.outcome.step:,}",
                f"{trained.milliseconds:.0f}",
                f"{trained.minutes:.1f}",
                f"{scores['valid']:.{digits}f}",
                f"**{scores['test']:.{digits}f}**",
            ]
        )
    return rows


def _write(
    title: str, columns: tuple[str, ...], rows: list[list[str]], note: str, options: Options
) -> None:
    body = f"""\
{table(columns, rows)}

{note}

{circumstances(options.command, options.threads)}"""
    write_section(title, body)
