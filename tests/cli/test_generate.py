from pathlib import Path

from elman.cli.generate import writer
from elman.tasks.runs import Run, train
from tests.cli.conftest import Elman


def test_what_is_written_is_what_python_draws(elman: Elman, trained: Run) -> None:
    ended = elman("generate", trained.path, "--prompt", "the ", "--length", 20, "--seed", 1)
    drawn = writer(trained.predictor).generate("the ", 20, temperature=0.8, seed=1).read()[0]
    assert (ended.code, ended.out, ended.err) == (0, f"the {drawn}\n", "")


def test_unknown_characters_are_named_and_replaced(elman: Elman, trained: Run) -> None:
    ended = elman("generate", trained.path, "--prompt", "thé ☃", "--length", 2)
    assert ended.code == 0
    assert ended.err == "elman: not in the vocabulary, replaced: 'é' '☃'\n"
    assert ended.out.startswith("th\ufffd \ufffd")


def test_what_does_not_write_says_so(elman: Elman, tmp_path: Path) -> None:
    run = train("memory", None, tmp_path / "run", lag=9, max_steps=1, eval_sequences=5)
    ended = elman("generate", run.path)
    assert ended.code == 2
    assert ended.err == (
        f"elman: {run.path}: a memory does not write text; give a language-model\n"
    )


def test_a_saved_folder_writes_too(elman: Elman, trained: Run, tmp_path: Path) -> None:
    trained.predictor.save(tmp_path / "model")
    flags = ["--prompt", "the ", "--length", 20, "--seed", 1]
    assert elman("generate", tmp_path / "model", *flags).out == (
        elman("generate", trained.path, *flags).out
    )


def test_several_samples_are_told_apart(elman: Elman, trained: Run) -> None:
    tokens = ["--prompt", "the ", "--length", 20, "--seed", 1, "--samples", 3]
    drawn = (
        writer(trained.predictor).generate("the ", 20, temperature=0.8, seed=1, samples=3).read()
    )
    first, second, third = [f"the {text}" for text in drawn]
    assert elman("generate", trained.path, *tokens).out == (
        f"{first}\n\n--- sample 2\n{second}\n\n--- sample 3\n{third}\n"
    )


def test_a_text_goes_on_where_it_stopped(elman: Elman, trained: Run, tmp_path: Path) -> None:
    state = tmp_path / "state"
    whole = elman("generate", trained.path, "--length", 30, "--seed", 3).out
    first = elman("generate", trained.path, "--length", 12, "--seed", 3, "--save-state", state)
    second = elman("generate", trained.path, "--length", 18, "--state", state)
    assert first.out.removesuffix("\n") + second.out == whole
