"""What training tells: metrics.jsonl, plain lines, the bar, TensorBoard."""

import io
import json
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from elman.errors import ElmanWarning, InputError
from elman.training.log import (
    MetricsFile,
    PlainLog,
    ProgressLog,
    QuietLog,
    TensorBoard,
    describe,
    open_log,
    read_metrics,
)

RECORD = {"step": 20, "epoch": 0.5, "loss": 2.25, "units_per_second": 12345.6}
EVALUATION = {**RECORD, "validation_loss": 2.125}


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def read(path: Path) -> list[dict[str, Any]]:
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert all(len(record.pop("chain")) == 16 for record in records)
    return records


def test_metrics_are_lines_of_strict_json(tmp_path: Path) -> None:
    metrics = MetricsFile(tmp_path / "m")
    metrics.record({"step": 1, "loss": 0.1})
    metrics.record({"step": 2, "validation_perplexity": math.inf})
    assert read(tmp_path / "m") == [
        {"step": 1, "loss": 0.1},
        {"step": 2, "validation_perplexity": None},
    ]


@pytest.mark.parametrize("torn", [b"", b'{"step": 4, "lo', b'{"step": 3}', b"\xff"])
def test_cut_back(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "m"
    metrics = MetricsFile(path)
    metrics.cut_back(5)  # there is no file yet
    for step in (1, 2, 3):
        metrics.record({"step": step})
    with path.open("ab") as file:
        file.write(torn)
    metrics.cut_back(3)
    assert [record["step"] for record in read(path)] == [1, 2, 3]
    metrics.cut_back(2)
    metrics.record({"step": 7})
    assert [record["step"] for record in read(path)] == [1, 2, 7]
    assert [record["step"] for record in read_metrics(path)] == [1, 2, 7], "the chain goes on"
    metrics.cut_back(0)
    assert path.read_bytes() == b""


@pytest.mark.parametrize("line", [b"hello\n", b"[1]\n", b'{"loss": 1}\n', b'{"step": "x"}\n'])
def test_cut_back_refuses_a_file_of_something_else(tmp_path: Path, line: bytes) -> None:
    path = tmp_path / "m"
    MetricsFile(path).record({"step": 1})
    before = path.read_bytes()
    path.write_bytes(before + line)
    with pytest.raises(InputError, match="line 2 is damaged"):
        MetricsFile(path).cut_back(9)
    assert path.read_bytes() == before + line


@pytest.mark.parametrize("record", [{"loss": 1.0}, {"step": 1.5}])
def test_a_whole_line_that_names_no_step(tmp_path: Path, record: dict[str, float]) -> None:
    MetricsFile(tmp_path / "m").record(record)
    with pytest.raises(InputError, match="line 1 is not a record of metrics"):
        read_metrics(tmp_path / "m")


@pytest.mark.remedy
def test_every_changed_byte_of_the_metrics_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "m"
    metrics = MetricsFile(path)
    for step in (1, 2, 3):
        metrics.record({"step": step, "loss": 0.5})
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(InputError, match=r"line \d is damaged .*move it away"):
            read_metrics(path)
    for missing in (0, 1):  # emptied, or without its last line
        path.write_bytes(b"".join(whole.splitlines(keepends=True)[: 2 * missing]))
        with pytest.raises(InputError, match="the end is damaged"):
            MetricsFile(path).cut_back(3, reported=3)
    path.unlink()
    again = MetricsFile(path)
    with pytest.warns(ElmanWarning, match="is missing; going on without the record up to step 3"):
        again.cut_back(3, reported=3)
    again.record({"step": 4})
    assert [record["step"] for record in read(path)] == [4]


def test_a_full_disk_leaves_whole_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m"
    metrics = MetricsFile(path)
    metrics.record({"step": 1})
    before = path.read_bytes()
    real_open = Path.open

    class Full:
        """Writes half a line, and then the disk is full."""

        def __init__(self, file: Any) -> None:
            self.file, self.calls = file, 0

        def __getattr__(self, name: str) -> Any:
            return getattr(self.file, name)

        def __enter__(self) -> "Full":
            return self

        def __exit__(self, *_: object) -> None:
            self.file.close()

        def write(self, data: bytes) -> int:
            self.calls += 1
            if self.calls > 1:
                raise OSError(28, "No space left on device")
            written: int = self.file.write(data[: len(data) // 2])
            return written

    monkeypatch.setattr(Path, "open", lambda *a, **k: Full(real_open(*a, **k)))
    with pytest.raises(OSError, match="the disk is full"):
        metrics.record({"step": 2})
    monkeypatch.undo()
    assert path.read_bytes() == before


def test_a_loss_is_one_whatever_the_weights_are_chosen_by() -> None:
    rates = {"validation_nats": 2.0, "validation_cer": 0.7474, "validation_wer": 1.0}
    record = {"step": 200, "loss": 2.25, "validation_loss": 0.7476, **rates}
    expected = "step 200 · loss 2.2500 · validation loss 2.0000 · CER 74.7 % · WER 100.0 %"
    assert describe(record, "tokens") == expected


def test_plain_lines() -> None:
    stream = io.StringIO()
    with PlainLog(stream, "tokens", every=1000.0) as log:
        log.advance(20, 0.25, 3725.0)
        log.record(RECORD)  # too soon after the start for a line of its own
        log.record(EVALUATION)
    expected = "step 20 · loss 2.2500 · validation loss 2.1250 · 12,346 tokens/s · 1h02m left\n"
    assert stream.getvalue() == expected
    with PlainLog(stream, "tokens", every=0.0) as log:
        log.record(RECORD)
    assert stream.getvalue() == expected + "step 20 · loss 2.2500 · 12,346 tokens/s\n"


def test_progress_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "120")
    for setting in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE"):
        monkeypatch.delenv(setting, raising=False)
    shown = {}
    for name in ("color", "no color"):
        if name == "no color":
            monkeypatch.setenv("NO_COLOR", "1")
        stream = Terminal()
        with open_log(stream, "tokens [all]") as log:
            assert isinstance(log, ProgressLog)
            log.record(EVALUATION)
            log.advance(20, 0.25, 65.0)
        shown[name] = stream.getvalue()
        for part in ("25%", "loss 2.2500", "12,346 tokens [all]/s", "1m05s left"):
            assert part in shown[name], part
        line = "step 20 · loss 2.2500 · validation loss 2.1250 · 12,346 tokens [all]/s\n"
        assert line in shown[name], "no color in the numbers"
    assert "\x1b[38;5" in shown["color"] or "\x1b[3" in shown["color"]
    assert "\x1b[38;5" not in shown["no color"]
    assert "\x1b[3" not in shown["no color"]


def test_no_terminal_no_bar() -> None:
    assert isinstance(open_log(io.StringIO(), "tokens"), PlainLog)
    with QuietLog() as log:
        log.record(RECORD)
        log.advance(1, 0.5, 1.0)


def test_tensorboard_that_is_missing_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard.writer", None)
    with pytest.raises(InputError, match=r'not installed: `pip install "elman\[track\]"'):
        TensorBoard(tmp_path, 0)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of protobuf and tensorboard themselves
def test_tensorboard(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    with TensorBoard(tmp_path, 0) as board:
        board.record(EVALUATION)
        board.record({"step": 40, "loss": 1.0})
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [(event.step, event.value) for event in events.Scalars("loss")] == [
        (20, 2.25),
        (40, 1.0),
    ]
    assert [event.value for event in events.Scalars("validation_loss")] == [2.125]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_tensorboard_of_a_resumed_run_keeps_what_came_before(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    for begin, steps in ((0, (20, 40)), (20, (30,))):
        with TensorBoard(tmp_path, begin) as board:
            for step in steps:
                board.record({"step": step, "loss": 1.0})
    events = EventAccumulator(str(tmp_path))
    events.Reload()
    assert [event.step for event in events.Scalars("loss")] == [20, 30]


@pytest.mark.parametrize("stream", [io.StringIO(), Terminal()])
def test_a_warning_is_shown(stream: io.StringIO) -> None:
    with open_log(stream, "tokens") as log:
        log.warn("the [bold]gradient[/] vanishes")
    assert "warning: the [bold]gradient[/] vanishes" in stream.getvalue()
