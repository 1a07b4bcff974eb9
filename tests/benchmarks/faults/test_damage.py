"""The study of damaged files in small, and proof that it would see what is wrong."""

from pathlib import Path

from benchmarks.faults import damage
from benchmarks.faults.damage import WRONG, Ended, report, study
from benchmarks.faults.small_runs import SmallRun

SMALL = SmallRun(
    "memory", None, {"problem": "recall", "lag": 8, "max-steps": 10, "watch": 0}, diagnosed=False
)


def test_no_changed_byte_gives_other_figures(tmp_path: Path) -> None:
    found = list(study(SMALL, tmp_path, ["one byte changed"], seed=0))
    assert {f.file for f in found} >= {
        *("config.toml", "hashes.json", "metrics.jsonl", "evaluation.json", "data/hashes.json"),
        *("predictor/predictor.json", "predictor/model.safetensors"),
        "checkpoints/step-00000010.safetensors",
    }
    assert {f.command for f in found} == {"verify", "evaluate", "resume"}
    assert [f for f in found if f.outcome in WRONG] == []
    assert "No damage gave other figures or a traceback." in report(found)


def test_what_is_wrong_is_seen(tmp_path: Path) -> None:
    put = (tmp_path / "gone", None)
    usual = Ended(0, "loss 1", "", b"w")
    seen = {
        "other figures": Ended(0, "loss 2", "", b"w"),
        "traceback": Ended(None, "", "Traceback ...", b"w"),
        "refused": Ended(2, "", "elman: is damaged\n", b"w"),
        "not needed": usual,
        "recovered, said": Ended(0, "loss 1", "elman: warning: the one before\n", b"w"),
    }
    for outcome, ended in seen.items():
        assert damage._outcome(ended, usual, put, "evaluate") == outcome
    assert damage._outcome(Ended(0, "", "", b"x"), usual, put, "resume") == "other figures"
    assert damage._verified(usual) == "not noticed by verify"
