"""Training on drawn clips: resumed to the bit, alone as in a batch, from a saved predictor."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import elman
from elman.data.given import Video
from elman.data.video.decode import read_clip
from elman.errors import InputError
from elman.predictors.classifier_outputs import logits_of
from elman.streaming.stream import Stream
from elman.tasks.runs import Run, begin, make, open_task
from elman.tasks.video.config import VideoConfig
from elman.tasks.video.data import MEANS, cut_into_windows, prepare
from elman.tasks.video.task import VideoTask

SMALL: dict[str, Any] = {
    "frame_rate": 10,
    "fps": 10,
    "size": "12",
    "hidden_size": 6,
    "batch_size": 8,
    "eval_every": 5,
    "max_steps": 10,
    "checkpoint_every": 5,
    "patience": 0,
    "schedule": "constant",
    "warmup_steps": 0,
}


def moving(count: int, seed: int = 0) -> tuple[list[np.ndarray], list[str]]:
    """Clips of a dot that goes left or right, around the edge, so that no frame tells which."""
    draw = np.random.default_rng(seed)
    clips, labels = [], []
    for number in range(count):
        label = ("left", "right")[number % 2]
        frames = np.zeros((int(draw.integers(5, 9)), 12, 12), np.uint8)
        begin, row = draw.integers(12), draw.integers(10)
        for step, frame in enumerate(frames):
            place = (begin + (2 * step if label == "right" else -2 * step)) % 12
            frame[row : row + 2, [place, (place + 1) % 12]] = 250
        clips.append(frames)
        labels.append(label)
    return clips, labels


def data_of(count: int, seed: int = 0) -> Video:
    clips, labels = moving(count, seed)
    return Video(clips, labels)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run[Any, Any]:
    out = tmp_path_factory.mktemp("video") / "run"
    return elman.train("video", data_of(40), out, **SMALL)


def test_the_report_has_the_baseline_that_sees_no_order(run: Run[Any, Any]) -> None:
    report = run.report()
    metrics = {score.metric for score in report.scores}
    assert f"accuracy of {MEANS} with logistic regression" in metrics
    assert [s.split for s in run.report(data_of(6, seed=1)).scores if s.metric == "accuracy"] == [
        "data"
    ]


def test_a_saved_predictor_gives_what_the_run_gives(run: Run[Any, Any], tmp_path: Path) -> None:
    rows = run.task.data.splits["valid"]
    run.predictor.save(tmp_path / "saved")
    loaded = elman.load(tmp_path / "saved")
    assert loaded.schema.inputs == "video"
    expected = logits_of(run.predictor.model, rows)
    np.testing.assert_array_equal(logits_of(loaded.network, rows), expected)


def test_a_training_that_goes_on_is_one_that_was_never_stopped(
    run: Run[Any, Any], tmp_path: Path
) -> None:
    out = tmp_path / "stopped"
    elman.train("video", data_of(40), out, **{**SMALL, "max_steps": 5})
    resumed = elman.resume(out, max_steps=10)
    weights = run.predictor.network.state_dict()
    for name, weight in resumed.predictor.network.state_dict().items():
        assert weight.equal(weights[name]), name


@pytest.mark.parametrize("encoder", ["conv", "convlstm", "convgru"])
@pytest.mark.parametrize("differences", [False, True])
def test_a_clip_alone_in_parts_and_by_frames_is_that_clip_in_a_batch(
    encoder: str, differences: bool, run: Run[Any, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    config = VideoConfig(**{**SMALL, "encoder": encoder, "differences": differences, "cell": "gru"})
    task = type(run.task)(config, run.task.data)
    encoded = run.task.data.encoder.videos
    task.data = _with(run.task.data, encoded, differences)
    predictor, rows = make(task), task.data.splits["train"]
    together = logits_of(predictor.model, rows)
    monkeypatch.setattr("elman.data.labeled.encoded._BYTES_AT_ONCE", 12 * 12 * 40)
    np.testing.assert_allclose(logits_of(predictor.model, rows), together, atol=1e-5)
    for row in (0, 5):
        steps = Stream(predictor.model).push(rows.row(row))
        np.testing.assert_allclose(steps[-1].numpy(), together[row], atol=1e-5)


def _with(data: Any, encoder: Any, differences: bool) -> Any:
    from dataclasses import replace

    videos = replace(encoder, differences=differences)
    splits = {name: replace(rows, differences=differences) for name, rows in data.splits.items()}
    return replace(data, splits=splits, encoder=replace(data.encoder, videos=videos))


def test_long_clips_are_cut_into_windows_that_hold_every_frame(run: Run[Any, Any]) -> None:
    rows = run.task.data.splits["train"]
    cut = cut_into_windows(rows, 3)
    assert cut.lengths.max() == 3
    assert cut.lengths.min() >= 2
    assert cut.lengths.sum() == len(rows.steps)
    pieces = -(-rows.lengths // 3)
    np.testing.assert_array_equal(cut.labels, np.repeat(rows.labels, pieces))


def test_a_run_opens_again_with_its_frames(run: Run[Any, Any]) -> None:
    task = open_task(run.path, None, {})
    steps = task.data.splits["train"].steps
    assert isinstance(steps, np.memmap)
    assert steps.dtype == np.uint8
    assert steps.shape[1:] == (12, 12, 1)


def test_clips_that_are_left_out_are_counted_once(tmp_path: Path) -> None:
    data = data_of(40)
    data.videos[3] = np.zeros((0, 12, 12), np.uint8)  # type: ignore[index]
    config = VideoConfig(**SMALL, skip_bad_rows=True)
    prepare(config, data, tmp_path)
    notes = VideoTask.open(config, tmp_path).notes
    assert [note for note in notes if "left out" in note] == ["left out 1 row that can't be read"]


def test_the_length_that_segments_are_found_by_is_that_of_a_window(tmp_path: Path) -> None:
    data, config = data_of(40), VideoConfig(**SMALL, window_seconds=0.3)
    prepare(config, data, tmp_path)
    assert VideoTask.open(config, tmp_path).encoder.videos.clip_seconds == pytest.approx(0.3)


def test_what_a_kill_left_is_not_decoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data, place = data_of(40), tmp_path / ".run.preparing" / "data"
    read = []

    def counted(source: Any, *rest: Any) -> Iterator[Any]:
        read.append(source)
        return read_clip(source, *rest)

    monkeypatch.setattr("elman.data.video.cache.read_clip", counted)
    with monkeypatch.context() as patched:
        patched.setattr("elman.tasks.video.data.fit_baselines", None)
        with pytest.raises(TypeError):
            prepare(VideoConfig(**SMALL), data, place)
    assert len(read) == 40
    run = begin("video", data, tmp_path / "run", VideoConfig(**SMALL))
    assert len(read) == 40
    assert not (run.path / "data" / "decoded").exists()
    assert not place.parent.exists()
    assert sum(len(rows) for rows in open_task(run.path, None, {}).data.splits.values()) == 40


@pytest.mark.remedy
def test_frames_that_do_not_fit_the_disk_are_refused_with_what_helps(tmp_path: Path) -> None:
    config = VideoConfig(**SMALL, most_disk=1e-5)
    with pytest.raises(
        InputError, match=r"above the bound of 1e-05; raise --most-disk, or lower .*--size"
    ):
        begin("video", data_of(40), tmp_path / "run", config)
    begin("video", data_of(40), tmp_path / "run", config.model_copy(update={"size": "2"}))


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ({"size": "64y48"}, "expected pixels, such as 64"),
        ({"region": (0.0, 1.0)}, "left, top, width and height, got 2"),
        ({"encoder": "cnn"}, "choose from conv, convlstm, convgru"),
    ],
)
def test_settings_that_can_not_be_are_refused(
    setting: dict[str, Any], says: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=says):
        elman.train("video", data_of(40), tmp_path / "run", **{**SMALL, **setting})


@pytest.mark.remedy
def test_an_encoder_of_ones_own_is_loaded_only_where_it_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_encoder.py").write_text(
        "import torch\n"
        "class Mean(torch.nn.Module):\n"
        "    def __init__(self, channels, height, width):\n"
        "        super().__init__()\n"
        "    def forward(self, x):\n"
        "        return x.mean((2, 3))\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    own = {"encoder": "own_encoder:Mean", "max_steps": 1}
    made = elman.train("video", data_of(40), tmp_path / "run", **{**SMALL, **own})
    with pytest.raises(InputError, match="give --cell own_encoder:Mean to load and run it"):
        elman.load(made.path)
    with pytest.raises(InputError, match="code of its own"):
        Run(made.path)
    assert elman.load(made.path, cell="own_encoder:Mean").network.layers
    assert Run(made.path, cell="own_encoder:Mean").predictor.network.layers
