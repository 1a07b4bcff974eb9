"""Single digits of FSDD by a classifier: one and two directions, and speakers never heard."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

from benchmarks.quality.running import Options, Trained, train
from benchmarks.quality.speech.digits import PARTS, SPEAKERS, isolated, recordings
from benchmarks.results import circumstances, table, write_section

REGRESSION = "accuracy of mean log-mels with logistic regression"
COLUMNS = (
    *("directions", "seed", "parameters", "minutes of training"),
    *("accuracy, validation", "accuracy, test"),
)


def single_digits(options: Options) -> None:
    """One and two directions, several seeds."""
    folder = options.out / "speech-digits-data"
    parts = [isolated(folder, recordings(part), part, text="label") for part in PARTS]
    found = {
        name: [_train(name, parts, f"{name}-seed{seed}", options, seed) for seed in options.chosen]
        for name in ("speech-digits", "speech-digits-stream")
    }
    if options.seed is not None:
        return
    both, one = found.values()
    body = f"""\
Test accuracy **{_mean(both):.2f} %** with two directions, **{_mean(one):.2f} %** with one, which
can be streamed; {_beside(both[0])}.

{table(COLUMNS, [_row(trained) for trained in (*both, *one)])}

Indices 0 to 4 of each speaker and digit test (300 recordings), 45 to 49 choose the checkpoint
(300), the other 2,400 train.

{circumstances(options.command, options.threads)}"""
    write_section("FSDD: single digits", body)


def speakers_left_out(options: Options) -> None:
    """Each of the six speakers in turn is heard only in the test."""
    rows = []
    for speaker in SPEAKERS:
        folder = options.out / "speech-speakers-data" / speaker
        parts = [
            isolated(
                folder,
                [
                    r
                    for r in recordings(None if part == "test" else part)
                    if (r.speaker == speaker) == (part == "test")
                ],
                part,
                text="label",
            )
            for part in PARTS
        ]
        found = [
            _train("speech-speakers", parts, f"speech-speakers-{speaker}-seed{seed}", options, seed)
            for seed in options.chosen
        ]
        rows.append((speaker, _mean(found), _regression(found[0])))
    if options.seed is not None:
        return
    body = f"""\
Mean accuracy of six **{mean(row[1] for row in rows):.1f} %**, beside
{mean(row[2] for row in rows):.1f} % of a logistic regression on the mean log-mels.

{
        table(
            ("speaker never heard", "accuracy", "logistic regression"),
            [
                [speaker, f"{accuracy:.1f} %", f"{regression:.1f} %"]
                for speaker, accuracy, regression in rows
            ],
        )
    }

The network hears indices 5 to 44 of five speakers; their 45 to 49 choose the checkpoint. All 500
recordings of the sixth test. {"Each figure is a mean over seeds." if options.seeds > 1 else ""}

{circumstances(options.command, options.threads)}"""
    write_section("FSDD: leave one speaker out", body)


def _train(recipe: str, parts: list[Path], name: str, options: Options, seed: int) -> Trained:
    root = recordings()[0].path.parent
    return train(recipe, parts, name, options, seed=seed, audio_root=root)


def _mean(trained: list[Trained]) -> float:
    return 100 * mean(t.scores("accuracy")["test"] for t in trained)


def _regression(trained: Trained) -> float:
    """Percent that the regression on the means of the bins alone has right."""
    return 100 * next(
        score.value
        for score in trained.run.evaluate()
        if score.split == "test" and score.metric == REGRESSION
    )


def _beside(trained: Trained) -> str:
    return (
        f"logistic regression on the mean log-mels of the same rows: {_regression(trained):.1f} %"
    )


def _row(trained: Trained) -> list[str]:
    config, scores = trained.run.task.config, trained.scores("accuracy")
    return [
        "two" if config.bidirectional else "one",
        str(config.seed),
        f"{trained.parameters:,}",
        f"{trained.minutes:.1f}",
        f"{100 * scores['valid']:.2f} %",
        f"{100 * scores['test']:.2f} %",
    ]
