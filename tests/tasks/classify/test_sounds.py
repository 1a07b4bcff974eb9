"""A classifier trained on recordings: its front end, its baselines, what is varied, bad rows."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import elman
from elman.data.audio.filter_bank import FilterBank
from elman.data.audio.settings import AudioSettings
from elman.data.given import given
from elman.data.labeled.encoded import Bucketed, Encoded
from elman.data.labeled.standardize import Standardizer
from elman.errors import InputError
from elman.predictors.front_end import FrontEnd
from elman.settings import configure
from elman.tasks import runs
from elman.tasks.classify import data as classify_data
from elman.tasks.classify.config import ClassifyConfig
from elman.tasks.classify.sound_config import SoundConfig
from elman.tasks.classify.sounds import copies_of, vary_of
from elman.tasks.classify.task import ClassifyTask
from elman.tasks.runs import Run
from elman.training.config import TrainingConfig
from tests import reviews, sounds
from tests.data.audio import waves

SHORT: dict[str, Any] = sounds.SETTINGS | {"max_steps": 1, "eval_every": 1}


def begun(data: Any, place: Path, **settings: Any) -> Run:
    """A run with the weights that it starts from."""
    return runs.begin("classify", data, place / "run", configure(ClassifyConfig, SHORT | settings))


def front_end(mean: float, deviation: float, bins: int) -> FrontEnd:
    scale = Standardizer((mean,) * bins, (deviation,) * bins)
    return FrontEnd(FilterBank(sounds.RATE, bins), scale)


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Run:
    place = tmp_path_factory.mktemp("sounds")
    settings = sounds.SETTINGS | {"speeds": (0.9, 1.0, 1.1), "noise": 0.3}
    return elman.train("classify", sounds.folder(place), place / "run", **settings)


def test_it_learns_and_is_compared_with_mean_log_mels(trained: Run) -> None:
    report = trained.report()
    scores = {(score.split, score.metric): score.value for score in report.scores}
    assert scores["test", "accuracy"] == 1
    assert any("accuracy of mean log-mels with" in metric for _, metric in scores)
    described = "\n".join(trained.task.describe())
    assert "8,000 Hz, 10 mel bins; a step is 3 frames, 30 ms" in described
    assert "24 recordings" in described


def test_copies_do_not_count_as_rows(trained: Run) -> None:
    train = trained.task.data.splits["train"]
    assert len(trained.task.data.shares) == 6
    assert sum(trained.task.data.shares) == pytest.approx(1)
    rows, frames = trained.task.data.counts["train"]
    assert len(train) == 6 * rows
    assert frames == train.offsets[rows]
    assert trained.task.source().steps_per_epoch == -(-rows // 6)


def test_frames_are_normalized_by_the_training_part(trained: Run) -> None:
    _, frames = trained.task.data.counts["train"]
    values = np.asarray(trained.task.data.splits["train"].steps[:frames])
    np.testing.assert_allclose(values.mean(0), 0, atol=1e-3)
    np.testing.assert_allclose(values.std(0), 1, atol=1e-3)


def test_an_opened_run_measures_the_same_and_other_files_too(trained: Run) -> None:
    assert Run(trained.path).evaluate() == trained.evaluate()
    folder = trained.path.parent / "tones"
    scores = {score.metric: score.value for score in trained.evaluate(folder)}
    rows = trained.predictor.predict(folder)
    right = [Path(row["path"]).parent.name == row["predicted"] for row in rows]
    assert scores["accuracy"] == np.mean(right)


def test_the_same_seed_draws_the_same_batches(trained: Run) -> None:
    config = trained.task.config

    def source() -> Bucketed:
        return Bucketed(
            trained.task.data.splits["train"],
            4,
            0,
            shares=trained.task.data.shares,
            vary=vary_of(config, trained.task.data.encoder.sounds.front_end),
        )

    first, again = source(), source()
    batches = [next(first) for _ in range(12)]
    for _ in range(5):
        next(again)
    resumed = source()
    resumed.load_state_dict(again.state_dict())
    for batch in batches[5:]:
        torch.testing.assert_close(next(resumed).inputs, batch.inputs, rtol=0, atol=0)
    plain = Bucketed(trained.task.data.splits["train"], 4, 0, shares=(1.0,) + (0.0,) * 5)
    assert any(
        each.inputs.shape != batch.inputs.shape or not torch.equal(each.inputs, batch.inputs)
        for each, batch in zip(plain, batches, strict=False)
    )


def test_the_last_window_is_filled_with_zeros() -> None:
    steps = np.arange(10, dtype=np.float32).reshape(5, 2) + 1
    rows = Encoded(steps, np.array([0, 4, 5]), np.array([0, 1]), "one", window=3)
    assert rows.lengths.tolist() == [2, 1]
    batch = rows.rows(np.array([1, 0]))
    assert batch.inputs.shape == (2, 2, 3, 2)
    assert batch.lengths.tolist() == [1, 2]
    assert batch.inputs[0, 0].tolist() == [[9, 10], [0, 0], [0, 0]]
    assert batch.inputs[1, 1].tolist() == [[7, 8], [0, 0], [0, 0]]
    assert batch.inputs[1, 0].sum() == 0
    np.testing.assert_array_equal(rows.row(0), batch.inputs[:, 1].numpy())


CHANGES: dict[str, Any] = {
    "rate": 6000,
    "bins": 8,
    "frame_length": 0.03,
    "frame_shift": 0.012,
    "low": 60.0,
    "high": -500.0,
    "tail": 0.1,
    "window": 2,
    "encoder": "conv",
    "speeds": (0.8, 1.2),
    "time_masks": 0,
    "time_width": 2,
    "frequency_masks": 0,
    "frequency_width": 2,
    "channel": 3.0,
    "noise": 0.5,
    "snr": (40.0, 50.0),
}


def made(place: Path, settings: dict[str, Any]) -> str:
    """A digest of the first batches, of what the predictor is, and of its first weights."""
    config = configure(ClassifyConfig, SHORT | {"noise": 0.9} | settings)
    place.mkdir()
    data = ClassifyTask.prepare(config, given(sounds.arrays(12)), place)
    task = ClassifyTask(config, data)
    torch.manual_seed(0)
    predictor = task.make()
    parts = {name: text for name, text in predictor.parts().settings.items() if name != "schema"}
    digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode())
    source = task.source()
    for tensor in (*(next(source).inputs for _ in range(4)), *predictor.model.parameters()):
        digest.update(f"{tuple(tensor.shape)}".encode() + tensor.detach().numpy().tobytes())
    return digest.hexdigest()


def test_every_setting_of_audio_acts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classify_data, "fit_baselines", lambda *args: [])
    plain = made(tmp_path / "plain", {})
    assert made(tmp_path / "again", {}) == plain
    for name, value in CHANGES.items():
        assert made(tmp_path / name, {name: value}) != plain, name
    own = SoundConfig.model_fields.keys() - TrainingConfig.model_fields.keys()
    assert own - AudioSettings.model_fields.keys() == CHANGES.keys()


def test_shares_of_the_copies() -> None:
    config = configure(ClassifyConfig, {"speeds": (0.9, 1.1), "noise": 0.25})
    assert copies_of(config).shares == pytest.approx((0, 0.375, 0.375, 0, 0.125, 0.125))
    assert copies_of(configure(ClassifyConfig, {})).shares == (1.0,)
    off = {"time_masks": 0, "frequency_masks": 0, "channel": 0}
    assert vary_of(configure(ClassifyConfig, off), front_end(0.0, 1.0, 4)) is None


def test_noise_is_its_own_for_each_recording_of_a_length() -> None:
    config = configure(ClassifyConfig, {"noise": 0.5, "snr": (5.0, 30.0)})
    noisy = copies_of(config).changes[1]
    assert noisy is not None
    one, other = (waves.tone(0.25, sounds.RATE, hertz) for hertz in (300, 500))
    added = [noisy(samples) - samples for samples in (one, other)]
    assert abs(np.corrcoef(added)[0, 1]) < 0.1
    np.testing.assert_array_equal(noisy(one) - one, added[0])


def test_another_channel_is_one_curve_over_the_whole_row() -> None:
    settings = {"time_masks": 0, "frequency_masks": 0, "channel": 10.0}
    vary = vary_of(configure(ClassifyConfig, settings), front_end(5.0, 2.0, 12))
    assert vary is not None
    frames = np.random.default_rng(0).normal(5, 1, (7, 2, 12)).astype(np.float32)
    changed = frames.copy()
    vary(changed, np.array([7, 4]), generator=np.random.default_rng(1))
    curve = (changed - frames)[:, 0]
    np.testing.assert_allclose(curve, np.broadcast_to(curve[:1], curve.shape), atol=1e-5)
    assert 0.1 < np.abs(curve).max() <= 2 * np.log(10) / 2  # 20 dB in nats, over the deviation
    assert not np.allclose(curve[0], (changed - frames)[0, 1])
    np.testing.assert_array_equal(changed[4:, 1], frames[4:, 1])
    silence = np.full((3, 1, 12), -2.5, np.float32)  # log energies of 0
    vary(silence, np.array([3]), generator=np.random.default_rng(2))
    assert silence.min() == -2.5


def test_features_computed_elsewhere_keep_their_channel() -> None:
    scale = Standardizer((0.0,) * 5, (1.0,) * 5)
    settings = {"time_masks": 0, "frequency_masks": 0, "channel": 10.0}
    assert vary_of(configure(ClassifyConfig, settings), FrontEnd(None, scale)) is None


@pytest.mark.fault
def test_settings_of_other_data_are_refused(tmp_path: Path) -> None:
    texts = reviews.write(tmp_path)
    with pytest.raises(InputError, match="--bins: for audio, but the data are texts; leave it out"):
        begun(texts, tmp_path, bins=20)
    with pytest.raises(InputError, match="--per-step: for texts and numbers, but the data are"):
        begun(sounds.arrays(), tmp_path, per_step=True)
    with pytest.raises(InputError, match="--vectors: for texts, but the data are audio"):
        begun(sounds.arrays(), tmp_path, vectors=texts)
    assert not (tmp_path / "run").exists()


@pytest.mark.remedy
def test_bad_recordings_are_named_or_left_out(tmp_path: Path) -> None:
    folder = sounds.folder(tmp_path, 12)
    waves.write(folder / "low" / "short.wav", waves.tone(0.02, sounds.RATE), sounds.RATE)
    (folder / "low" / "empty.wav").write_bytes(b"")
    with pytest.raises(InputError, match=r"empty\.wav: is empty.*") as error:
        begun(folder, tmp_path)
    assert "\n" not in str(error.value)
    (folder / "low" / "empty.wav").unlink()
    with pytest.raises(InputError, match=r"short\.wav: 20 ms of sound.*--skip-bad-rows"):
        begun(folder, tmp_path)
    run = begun(folder, tmp_path, skip_bad_rows=True)
    assert "left out 1 row that can't be read" in run.task.describe()
    assert sum(rows for rows, _ in run.task.data.counts.values()) == 12


def test_a_table_with_stretches_of_one_recording(tmp_path: Path) -> None:
    """The shape of a table of sound events: where each begins and ends."""
    parts = [sounds.sound(name, n, 0.3)[:1900] for n, name in enumerate(["high", "low"] * 8)]
    waves.write(tmp_path / "long.wav", np.concatenate(parts), sounds.RATE)
    lines = [
        json.dumps(
            {"audio": "long.wav", "start": n * 0.2375, "end": (n + 1) * 0.2375, "label": name}
        )
        for n, name in enumerate(["high", "low"] * 8)
    ]
    (tmp_path / "events.jsonl").write_text("\n".join(lines), encoding="utf-8")
    run = begun(tmp_path / "events.jsonl", tmp_path)
    frames = sum(frames for _, frames in run.task.data.counts.values())
    assert frames == 16 * ((1900 - 200) // 80 + 1)
    assert run.predictor.schema.audio.begin == "start"


def test_features_computed_elsewhere(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    lines = ["path,label"]
    for number in range(12):
        values = generator.normal(number % 2, 0.1, (7, 5)).astype(np.float32)
        np.save(tmp_path / f"{number}.npy", values)
        lines.append(f"{number}.npy,{'ab'[number % 2]}")
    (tmp_path / "features.csv").write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(InputError, match=r"--bins: for audio, but .*features\.csv:2 is features"):
        begun(tmp_path / "features.csv", tmp_path, bidirectional=False)
    run = begun(tmp_path / "features.csv", tmp_path, bidirectional=False, bins=40)
    assert len(run.predictor.schema.channels) == 5
    assert len(run.predictor.predict(tmp_path / "features.csv")) == 12
    with pytest.raises(InputError, match="audio, but this classifier reads features"):
        run.predictor.predict([(sounds.sound("low", 0), sounds.RATE)])
    with pytest.raises(InputError, match="train it on audio to stream"):
        run.predictor.session()


def test_the_bound_on_seconds_is_that_of_the_setting(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="longer than 0"):
        begun(sounds.folder(tmp_path, 12), tmp_path, max_seconds=0.1)
