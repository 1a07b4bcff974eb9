"""Whatever is wrong is said in one line, with its code, and nothing is left half-written."""

import errno
import gzip
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

from elman.checksums import sealed
from elman.layers.state import State
from elman.tasks.runs import Run
from tests import tiny
from tests.cli.conftest import Elman, Ended
from tests.wavs import wav

# The folders of a path: their names have words of the test's own name.
FOLDERS = re.compile(r"(?<![^\s'\"`=(])/(?:[^\s/:'\"]+/)+")


def refused(ended: Ended, code: int, *messages: str) -> None:
    """One line on standard error, nothing else; messages are found outside of folders' names."""
    assert ended.code == code, ended.err
    assert ended.err.startswith("elman: ")
    assert ended.err.count("\n") == 1
    for message in messages:
        assert message in FOLDERS.sub("", ended.err)


TEXTS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "empty: the file is empty"),
    "short": (b"abc", "short: too short: of its 3 characters"),
    "few": (b"the cat sat on the mat\n" * 2, "batch size 30 needs at least 60"),
    "binary": (b"the cat\n" * 99 + b"\0\1\2", "NUL at byte 792"),
    "latin-1": (b"the cat\n" * 99 + b"caf\xe9 noir\n", "line 100"),
    "utf-16": ("the cat\n".encode("utf-16-le") * 99, "NUL at byte 1"),
    "cut.gz": (gzip.compress(tiny.text().encode())[:-9], "cut off"),
    "not.gz": (tiny.text().encode(), "not compressed by gzip"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_a_text_that_cannot_be_trained_on(elman: Elman, tmp_path: Path, name: str) -> None:
    content, message = TEXTS[name]
    path = tmp_path / name
    path.write_bytes(content)
    flags = [*tiny.flags(batch_size=30), "--out", tmp_path / "run"]
    refused(elman("train", "language-model", path, *flags), 2, message)
    assert list(tmp_path.iterdir()) == [path]


def test_a_text_that_is_not_there(elman: Elman, tmp_path: Path) -> None:
    ended = elman("train", "language-model", tmp_path / "no", "--out", tmp_path / "run")
    refused(ended, 2, "no: cannot be read", "check the path")
    (tmp_path / "folder").mkdir()
    ended = elman("train", "language-model", tmp_path / "folder", "--out", tmp_path / "run")
    refused(ended, 2, "holds no files")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("command", ["evaluate", "predict"])
def test_a_text_to_apply_a_run_to_that_is_not_text(
    elman: Elman, trained: Run, tmp_path: Path, command: str
) -> None:
    (tmp_path / "binary").write_bytes(b"a\0b")
    refused(elman(command, trained.path, tmp_path / "binary"), 2, "binary: binary", "NUL at byte 1")
    refused(elman(command, trained.path, tmp_path / "no"), 2, "cannot be read")


@pytest.fixture
def copied(trained: Run, tmp_path: Path) -> Path:
    """A run that may be damaged."""
    return Path(shutil.copytree(trained.path, tmp_path / "run"))


@pytest.mark.parametrize("use", ["evaluate", "resume", "diagnose", "show"])
def test_a_run_that_is_none_or_of_another_version(elman: Elman, copied: Path, use: str) -> None:
    refused(elman(use, copied / "no"), 2, "no such folder")
    refused(elman(use, copied.parent), 2, "not a run directory")
    config = copied / "config.toml"
    config.write_text(config.read_text().replace("format = 3", "format = 1"))
    refused(elman(use, copied), 2, "a run of format 1, expected 3; train it again")
    config.write_text("[elman")
    refused(elman(use, copied), 2, "config.toml: is damaged")


@pytest.mark.parametrize("use", ["generate", "predict", "stream"])
def test_a_predictor_that_is_none_or_of_another_version(
    elman: Elman, copied: Path, use: str
) -> None:
    refused(elman(use, copied / "no"), 2, "no such folder")
    refused(elman(use, copied.parent), 2, "holds no predictor; give the --out of `elman train`")
    header = copied / "predictor" / "predictor.json"
    header.write_text(header.read_text().replace('"format": 3', '"format": 2'))
    refused(elman(use, copied), 2, "a predictor of format 2, expected 3; train it again")
    header.write_text("{")
    refused(elman(use, copied), 2, "predictor.json: is damaged")
    header.unlink()
    refused(elman(use, copied), 2, "a run without a predictor")


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ('task = "language-model"', 'task = "juggling"', "juggling: no such task"),
        ("hidden_size = 12", "hidden_sizes = 12", "unknown key 'hidden_sizes'"),
        ("hidden_size = 12", "hidden_size = 0", "hidden-size = 0: input should be"),
    ],
)
def test_a_config_that_was_edited(
    elman: Elman, copied: Path, before: str, after: str, message: str
) -> None:
    config = copied / "config.toml"
    assert before in config.read_text()
    config.write_text(config.read_text().replace(before, after))
    refused(elman("evaluate", copied), 2, "config.toml: is damaged")
    config.write_bytes(sealed(config.read_bytes()))
    refused(elman("evaluate", copied), 2, message)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def foreign(path: Path) -> None:
    path.write_bytes(b"\x80\x04\x95 a pickle, perhaps")


@pytest.mark.parametrize("damage", [cut, foreign])
@pytest.mark.parametrize(
    ("use", "file"),
    [
        ("evaluate", "predictor/model.safetensors"),
        ("evaluate", "predictor/tokenizer.json"),
        ("evaluate", "data/tokenizer.json"),
        ("evaluate", "data/test.npy"),
        ("evaluate", "data/test.json"),
        ("stream", "predictor/model.safetensors"),
        ("resume", "data/train.npy"),
    ],
)
def test_a_file_of_a_run_that_is_damaged(
    elman: Elman, copied: Path, use: str, file: str, damage: Callable[[Path], None]
) -> None:
    damage(copied / file)
    refused(elman(use, copied), 2, f"{Path(file).name}: ")


def test_a_file_of_a_run_that_is_missing(elman: Elman, copied: Path) -> None:
    (copied / "predictor" / "model.safetensors").unlink()
    refused(elman("evaluate", copied), 2, "no weights yet; go on with `elman resume")
    (copied / "data" / "tokenizer.json").unlink()
    refused(elman("resume", copied), 2, "tokenizer.json")


def test_a_checkpoint_of_another_run(elman: Elman, copied: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = tiny.run(tmp_path / "other", hidden_size=9)
    name = "checkpoints/step-00000030.safetensors"
    shutil.copy(other.path / name, copied / name)
    refused(elman("resume", copied), 2, "another model")


def test_a_state_that_does_not_fit(
    elman: Elman, trained: Run, copied: Path, tmp_path: Path
) -> None:
    state = tmp_path / "state"
    first = ["generate", trained.path, "--length", 3, "--samples", 2, "--save-state", state]
    assert elman(*first).code == 0
    going_on = ["--length", 3, "--state", state]
    ended = elman("generate", copied, *going_on, "--samples", 3)
    refused(ended, 2, "2 texts side by side, expected 1 or 3")
    (tmp_path / "other").mkdir()
    other = tiny.run(tmp_path / "other", hidden_size=9, max_steps=1)
    refused(elman("generate", other.path, *going_on), 2, "the snapshot belongs to model")
    refused(elman("generate", trained.path, "--state", tmp_path / "no"), 2, "no: cannot be read")
    refused(elman("generate", trained.path, "--state", tmp_path / "text.txt"), 2, "cannot be read")
    State(h=torch.zeros(1, 3)).save(state)
    refused(elman("generate", trained.path, *going_on), 2, "cannot be read as a snapshot")
    wrong = ["--save-state", tmp_path / "no" / "state"]
    refused(elman("generate", trained.path, *wrong), 2, "--save-state", "folder does not exist")


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--length", "0"], "length must be at least 1"),
        (["--temperature", "-1"], "temperature must be"),
        (["--temperature", "nan"], "temperature must be"),
        (["--top-k", "0"], "top_k must be at least 1"),
        (["--top-p", "1.5"], "top_p must be above 0"),
        (["--samples", "0"], "samples must be at least 1"),
        (["--seed", "-99999999999999999999"], "seed must be from 0"),
        (["--device", "gpu"], "device 'gpu' cannot be used"),
        (["--device", "cuda:9"], "device 'cuda:9' cannot be used"),
        (["--device", "meta"], "device 'meta' cannot be used"),
        (["--device", "mkldnn"], "device 'mkldnn' cannot be used"),
        (["--cell", "gru"], "was trained with lstm"),
    ],
)
def test_a_wrong_option_of_generate(
    elman: Elman, trained: Run, tokens: list[str], message: str
) -> None:
    refused(elman("generate", trained.path, *tokens), 2, message)


@pytest.mark.parametrize(
    ("tokens", "message"),
    [
        (["--device", "gpu"], "device 'gpu' cannot be used"),
        (["--cell", "lstn"], "no such cell"),
        (["--cell", "nowhere.cells:Mine"], "can't import"),
        (["--vocab-size", "1"], "--vocab-size 1"),
        (["--hidden-size", "65536", "--num-layers", "64"], "does not fit into memory"),
    ],
)
def test_a_wrong_size_device_or_cell(
    elman: Elman, text_file: Path, tokens: list[str], message: str
) -> None:
    out = text_file.parent / "run"
    refused(elman("train", "language-model", text_file, "--out", out, *tokens), 2, message)
    assert not out.exists()


@contextmanager
def full_disk(after: int) -> Iterator[None]:
    """No file of this process can grow beyond `after` bytes, as where the disk is full.

    The kernel then says EFBIG rather than ENOSPC, and only where bytes are really written.
    """
    import resource
    import signal

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (after, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def partials(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if ".partial" in path.name]


def test_a_disk_that_fills_up_while_the_text_is_read(elman: Elman, text_file: Path) -> None:
    out = text_file.parent / "run"
    with full_disk(3000):
        ended = elman("train", "language-model", text_file, "--out", out, *tiny.flags())
    refused(ended, 1, "the disk is full")
    assert not out.exists()


def test_a_disk_that_fills_up_while_training(elman: Elman, text_file: Path) -> None:
    out = text_file.parent / "run"
    flags = tiny.flags(hidden_size=40)
    with full_disk(20_000):
        ended = elman("train", "language-model", text_file, "--out", out, *flags)
    refused(ended, 1, "disk is full")
    assert partials(out) == []
    assert not (out / "predictor" / "model.safetensors").exists()
    assert elman("resume", out).code == 0


def test_a_disk_that_is_full_when_a_file_is_to_reach_it(
    elman: Elman, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    state = tmp_path / "state"
    state.write_text("what was there before")
    monkeypatch.setattr("elman.files.os.fsync", full)
    ended = elman("generate", trained.path, "--length", 3, "--save-state", state)
    refused(ended, 1, "the disk is full")
    monkeypatch.undo()
    with full_disk(1000):
        ended = elman("generate", trained.path, "--length", 3, "--save-state", state)
    refused(ended, 1, "the disk is full")
    assert state.read_text() == "what was there before"
    assert list(tmp_path.iterdir()) == [state]


def test_an_output_that_is_full_or_closed(trained: Run) -> None:
    command = [sys.executable, "-m", "elman.cli.main", "generate", str(trained.path)]
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        ended = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    refused(Ended(ended.returncode, "", ended.stderr), 1, "the disk is full")
    with subprocess.Popen(
        [*command, "--length", "5000"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait() == 0
        assert process.stderr.read() == ""


def test_standard_input_that_is_no_text(
    elman: Elman, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "latin-1"
    path.write_bytes(b"the cat\n\xff")
    for command in ("stream", "predict"):
        with path.open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            ended = elman(command, trained.path, "--format", "json")
        refused(ended, 2, "not UTF-8 at byte 8; convert it")


def test_standard_input_that_is_audio(
    elman: Elman, trained: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The remedies are tried where audio is heard: tests/cli/test_stream_audio.py."""
    for begins in (wav(b"\0\0"), b"fLaC\0", b"OggS\0", b"ID3\4", b"\xff\xfb\x90"):
        (tmp_path / "audio").write_bytes(begins)
        with (tmp_path / "audio").open() as stdin:
            monkeypatch.setattr(sys, "stdin", stdin)
            ended = elman("predict", trained.path)
        refused(ended, 2, "standard input: begins as audio", "elman predict RUN FILE, or elman str")
