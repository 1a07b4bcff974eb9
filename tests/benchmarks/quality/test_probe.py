"""What RESULTS.md says of a study, on a study that was made up."""

from pathlib import Path

import pytest

from benchmarks.quality import probe
from benchmarks.quality.running import Options
from elman.studies.probe.probe import DEFAULT
from elman.studies.probe.trials import Result, Study, Trial


def made_up(longest: dict[str, int]) -> dict[Trial, Result]:
    """Every cell masters all lags up to its own, in every problem, at the first learning rate."""
    done = {}
    for problem, cell, rate in DEFAULT.climbs():
        for lag in DEFAULT.lags:
            mastered = lag <= longest[cell] and rate == DEFAULT.learning_rates[0]
            for trial in DEFAULT.trials(problem, cell, rate, lag):
                done[trial] = Result(trial, 0.96, mastered, 100, "solved", 2.0)
            if not mastered:
                break
    return done


@pytest.mark.parametrize(
    ("lstm", "said"),
    [
        (400, "recall: lstm-chrono 400, tanh network 20, so the aim of 10 times is met"),
        (100, "recall: lstm-chrono 100, tanh network 20, so the aim of 10 times is missed"),
    ],
)
def test_the_aims_are_called_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lstm: int, said: str
) -> None:
    longest = dict.fromkeys(DEFAULT.cells, 20) | {"lstm-chrono": lstm}
    done = made_up(longest)
    monkeypatch.setattr(Study, "results", lambda _: done)
    monkeypatch.setattr(probe, "run", lambda *_: iter(()))
    monkeypatch.setattr(probe, "CURVES", tmp_path)
    monkeypatch.setattr(probe, "PICTURE", tmp_path / "probe.png")
    written = {}
    monkeypatch.setattr(probe, "write_section", lambda title, body: written.update({title: body}))
    probe.probe(Options(tmp_path, 2, 3, "python -m benchmarks.quality probe"))
    body = " ".join(written[probe.TITLE].split())
    assert said in body
    met = "met" if lstm >= 400 else "missed"
    assert f"An LSTM adds over {lstm} steps: the aim of 400 is {met}." in body
    assert f"| lstm-chrono | {lstm} | {lstm} |" in body
    assert "| rnn | 20 | 20 |" in body
    assert "not timed" in body
    assert (tmp_path / "probe.png").stat().st_size > 10_000
    assert (tmp_path / "probe.csv").read_text().count("\n") == len(done) + 1
