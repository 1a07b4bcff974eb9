"""What `train` prints before training begins."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from elman.cli.main import main
from tests import reviews


@pytest.mark.fault(42)
def test_rows_and_classes_are_printed_before_baselines_are_fitted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("sklearn")
    seen: list[str] = []

    def fit(*args: object, **keywords: object) -> None:
        seen.append(capsys.readouterr().out)
        raise KeyboardInterrupt

    path = reviews.write(tmp_path)
    flags = ["--hidden-size", "4", "--max-steps", "2", "--eval-every", "2"]
    with monkeypatch.context() as patched:
        patched.setattr("elman.tasks.classify.data.fit_baselines", fit)
        main(["train", "sentiment", str(path), "--out", str(tmp_path / "cut"), *flags])
    assert re.search(r"train +\d+ rows", seen[0])
    assert "2 classes: bad, good" in seen[0]
    assert main(["train", "sentiment", str(path), "--out", str(tmp_path / "run"), *flags]) == 0
    out, err = capsys.readouterr()
    assert out.count("2 classes: bad, good") == 1
    assert out.index("2 classes") < out.index("baseline: ") < out.index("training up to")
    assert "fitting baselines: TF-IDF" in err
