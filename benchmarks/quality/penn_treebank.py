"""Penn Treebank, words (Mikolov's preparation): test perplexity."""

from __future__ import annotations

from benchmarks.quality.running import Options, data_file, train
from benchmarks.results import circumstances, table, write_section

COLUMNS = (
    *("seed", "parameters", "steps", "ms a step", "minutes of training"),
    *("validation perplexity", "test perplexity"),
)
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


def _figure(recipe: str, title: str, note: str, options: Options) -> None:
    files = [data_file("penn-treebank", f"ptb.{split}.txt") for split in ("train", "valid", "test")]
    rows = []
    for seed in range(1, options.seeds + 1):
        trained = train(recipe, files, f"{recipe}-seed{seed}", options, seed=seed)
        perplexity = trained.scores("perplexity")
        rows.append(
            [
                str(seed),
                f"{trained.parameters:,}",
                f"{trained.outcome.step:,}",
                f"{trained.milliseconds:.0f}",
                f"{trained.minutes:.1f}",
                f"{perplexity['valid']:.2f}",
                f"**{perplexity['test']:.2f}**",
            ]
        )
    body = f"""\
{table(COLUMNS, rows)}

{note}

{PROTOCOL}

{circumstances(options.command, options.threads)}"""
    write_section(title, body)
