"""The loop: what it computes, when it stops, and what it says when it cannot go on."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import pytest
import torch

from elman.data.batching import IGNORE
from elman.errors import InputError, RunFailed
from elman.tensors import load_tree
from elman.training.contracts import Observation, StepEvent
from elman.training.log import QuietLog
from elman.training.loop import Outcome, train
from elman.training.optim import learning_rate
from elman.training.run_directory import RunDirectory
from tests.training import toy
from tests.training.toy import lines, same_bits, weights


def test_same_seed_same_bits_other_seed_others(references: dict[str, Any], tmp_path: Path) -> None:
    case = "adamw, cosine, window, accumulation"
    config, _, _, expected = references[case]
    _, again = toy.go(toy.make_run(tmp_path / "a", config), config)
    assert same_bits(weights(again), weights(expected))
    other = config.model_copy(update={"seed": 1})
    _, different = toy.go(toy.make_run(tmp_path / "b", other), other)
    assert not same_bits(weights(different), weights(expected))


@pytest.mark.parametrize("parts", [2, 3, 4])
@pytest.mark.parametrize("window", [None, 16])
def test_accumulation_equals_the_unsplit_batch(
    parts: int, window: int | None, tmp_path: Path
) -> None:
    trained = []
    for accumulate in (1, parts):
        config = toy.make_config(accumulate=accumulate, window=window, max_steps=6, clip_norm=0.1)
        objective, source = toy.make_parts(config)
        objective.model.dropout = 0.0  # its draws depend on the shape
        run = toy.make_run(tmp_path / str(accumulate), config)
        train(objective, source, config, run, QuietLog())
        state = load_tree(run.all_checkpoints()[-1])["window"]["state"]["tensors"]
        trained.append(weights(objective) | state)
    for name, expected in trained[0].items():
        torch.testing.assert_close(trained[1][name], expected, rtol=0, atol=1e-6)


def test_window_of_one_chunk_is_no_window(tmp_path: Path) -> None:
    found = []
    for window in (None, 8):
        config = toy.make_config(window=window)
        found.append(weights(toy.go(toy.make_run(tmp_path / str(window), config), config)[1]))
    assert same_bits(*found)


def test_max_minutes_counts_training_only_and_leaves_the_schedule(tmp_path: Path) -> None:
    clock = [0.0]

    def tick() -> float:
        clock[0] += 1.0
        return clock[0]

    class Slow(toy.Objective):
        def evaluate(self) -> dict[str, float]:
            clock[0] += 1000.0
            return {"loss": 2.0}  # never better: every evaluation counts for the plateau

    def go(name: str, **changes: Any) -> tuple[Outcome, RunDirectory, toy.Objective]:
        config = toy.make_config(max_steps=9, schedule="plateau", plateau_patience=0, **changes)
        run = RunDirectory(tmp_path / name)
        if not run.path.exists():
            toy.make_run(run.path, config)
        parts, source = toy.make_parts(config)
        objective = Slow(parts.model)
        latest = run.usable_checkpoint()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("elman.training.loop.perf_counter", tick)
            outcome = train(objective, source, config, run, QuietLog(), (), latest)
        return outcome, run, objective

    _, _, expected = go("full")
    # Each step takes a second of this clock: the fifth is the first that ends after 4.5.
    outcome, run, _ = go("short", max_minutes=4.5 / 60)
    assert (outcome.step, outcome.reason, outcome.seconds) == (5, "max_minutes", 5.0)
    assert lines(run)[-1]["step"] == 5
    assert "validation_loss" in lines(run)[-1]
    # The clock is carried over: nothing is left of that budget, and a longer one goes on.
    assert go("short", max_minutes=4.5 / 60)[0].step == 5
    outcome, _, resumed = go("short", max_minutes=8.5 / 60)
    assert (outcome.step, outcome.reason, outcome.seconds) == (9, "max_steps", 9.0)
    assert same_bits(weights(resumed), weights(expected))


def test_patience(tmp_path: Path) -> None:
    config = toy.make_config(
        optimizer="sgd", learning_rate=50.0, patience=2, eval_every=1, max_steps=60
    )
    run = toy.make_run(tmp_path / "run", config)
    outcome, _ = toy.go(run, config)
    losses = [record["validation_loss"] for record in lines(run)]
    assert outcome.reason == "patience"
    assert outcome.step == outcome.best_step + 2 == len(losses)
    assert outcome.best_loss == min(losses) == losses[outcome.best_step - 1]


def test_what_is_solved_ends_and_stays_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the second evaluation; resumed from there, nothing more is done."""
    scores = iter([0.0, 1.0])
    monkeypatch.setattr(toy.Objective, "evaluate", lambda _: {"loss": 2.0, "solved": next(scores)})
    config = toy.make_config(eval_every=4, max_steps=14)
    run = toy.make_run(tmp_path / "run", config)
    for _ in range(2):
        outcome, _ = toy.go(run, config)
        assert (outcome.reason, outcome.step) == ("solved", 8)
    assert [record.get("validation_solved") for record in lines(run)] == [None, 0.0, None, 1.0]


def test_best_weights_are_the_averaged_ones(references: dict[str, Any], tmp_path: Path) -> None:
    """The saved model has the validation loss that was reported as the best."""
    for case, (_, run, outcome, _) in references.items():
        model = toy.Model()
        model.load_state_dict(load_tree(run.model_path))
        with torch.no_grad():
            scores = toy.Objective(model.eval()).evaluate()
        assert scores["loss"] == outcome.best_loss, case
    # And while it averages, the weights that are evaluated are not those that are trained.
    _, run, _, objective = references["sgd, averaging, random truncation, plateau"]
    last = lines(run)[-1]["validation_loss"]
    with torch.no_grad():
        objective.model.eval()
        assert objective.evaluate()["loss"] != last
    assert not same_bits(load_tree(run.model_path), weights(objective))


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_a_loss_that_is_no_number(value: float, tmp_path: Path) -> None:
    config = toy.make_config(learning_rate=0.02)
    run = toy.make_run(tmp_path / "run", config)
    objective, source = toy.make_parts(config)

    def poison() -> None:
        objective.model.readout.bias.data[:] = value

    with pytest.raises(RunFailed) as caught:
        train(objective, source, config, run, QuietLog(), [toy.At(8, poison)])
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith("step 9: the loss is nan; the mean before it was ") or (
        "the validation loss is nan" in message
    )
    assert "Lower learning_rate (now 0.02)" in message
    assert str(run.checkpoint_path(6)) in message
    assert run.all_checkpoints()[-1] == run.checkpoint_path(6)
    checkpoint = load_tree(run.checkpoint_path(6))
    assert all(tensor.isfinite().all() for tensor in checkpoint["model"].values())
    assert [record["step"] for record in lines(run)] == [2, 4, 6]


def test_a_gradient_that_explodes(tmp_path: Path) -> None:
    config = toy.make_config(checkpoint_every=100)
    run = toy.make_run(tmp_path / "run", config)
    objective, source = toy.make_parts(config)
    objective.model.embedding.weight.register_hook(lambda gradient: gradient * 1e30)
    seen: list[StepEvent] = []

    class Watch:
        def after_backward(self, event: StepEvent) -> None:
            seen.append(event)

    with pytest.raises(RunFailed, match="step 1: the gradient has exploded, its norm is inf") as e:
        train(objective, source, config, run, QuietLog(), [Watch()])
    assert "there is no checkpoint yet" in str(e.value)
    assert math.isinf(seen[0].grad_norm)
    assert not run.all_checkpoints()


def test_weights_that_are_no_numbers_are_never_saved(tmp_path: Path) -> None:
    config = toy.make_config(optimizer="sgd", learning_rate=1e38, schedule="constant", clip_norm=0)
    config = config.model_copy(update={"checkpoint_every": 1, "eval_every": 100, "max_steps": 3})
    run = toy.make_run(tmp_path / "run", config)
    with pytest.raises(RunFailed):
        toy.go(run, config)
    for path in run.all_checkpoints():
        assert all(tensor.isfinite().all() for tensor in load_tree(path)["model"].values())


def test_observers_see_gradients_before_clipping(tmp_path: Path) -> None:
    config = toy.make_config(clip_norm=0.01)
    run = toy.make_run(tmp_path / "run", config)
    objective, source = toy.make_parts(config)
    events: list[StepEvent] = []

    class Watch:
        def after_backward(self, event: StepEvent) -> None:
            grads = [p.grad for p in event.model.parameters() if p.grad is not None]
            squares = [float(grad.square().sum()) for grad in grads]
            assert math.sqrt(sum(squares)) == pytest.approx(event.grad_norm, rel=1e-5)
            assert event.state is None or not event.state["h"].requires_grad
            events.append(event)

    train(objective, source, config, run, QuietLog(), [Watch()])
    assert [event.step for event in events] == list(range(1, 15))
    assert events[0].state is None
    assert all(event.state is not None for event in events[1:])
    rates = [learning_rate(config, step, []) for step in range(14)]
    assert [event.learning_rate for event in events] == rates
    for record in lines(run):
        pair = events[record["step"] - 2 : record["step"]]
        assert record["loss"] == pytest.approx(sum(event.loss for event in pair) / 2)
        assert record["grad_norm"] == pytest.approx(sum(event.grad_norm for event in pair) / 2)
        assert record["learning_rate"] == pair[-1].learning_rate


def test_what_an_observer_tells_is_recorded_and_shown(tmp_path: Path) -> None:
    class Teller:
        def after_backward(self, event: StepEvent) -> Observation | None:
            odd = event.step % 2 == 1
            return (
                Observation({"seen": event.step / 2}, "look" * (event.step == 3)) if odd else None
            )

    class Listener(QuietLog):
        warnings: ClassVar[list[str]] = []

        def warn(self, text: str) -> None:
            self.warnings.append(text)

    config = toy.make_config()
    run = toy.make_run(tmp_path / "run", config)
    objective, source = toy.make_parts(config)
    train(objective, source, config, run, Listener(), [Teller()])
    told = [record for record in lines(run) if "seen" in record]
    assert told == [{"step": step, "seen": step / 2} for step in range(1, 15, 2)]
    steps = [record["step"] for record in lines(run)]
    assert steps == sorted(steps)
    assert Listener.warnings == ["look"]


def test_clipping_bounds_the_update(tmp_path: Path) -> None:
    config = toy.make_config(
        optimizer="sgd", learning_rate=1.0, clip_norm=0.01, schedule="constant", max_steps=1
    )
    objective, source = toy.make_parts(config)
    before = [p.detach().clone() for p in objective.model.parameters()]
    train(objective, source, config, toy.make_run(tmp_path / "run", config), QuietLog())
    moved = [(a - b).detach() for a, b in zip(objective.model.parameters(), before, strict=True)]
    assert math.sqrt(sum(m.square().sum() for m in moved)) == pytest.approx(0.01, rel=1e-4)


def test_random_truncation_scales_the_learning_rate(tmp_path: Path) -> None:
    config = toy.make_config(random_truncation=True, schedule="constant", truncation=20)
    objective, source = toy.make_parts(config)
    seen: list[tuple[int, float]] = []

    class Watch:
        def after_backward(self, event: StepEvent) -> None:
            seen.append((event.batch.inputs.shape[0], event.learning_rate))

    train(objective, source, config, toy.make_run(tmp_path / "r", config), QuietLog(), [Watch()])
    assert len({length for length, _ in seen}) > 3
    for length, rate in seen:
        assert rate == pytest.approx(config.learning_rate * length / 20)


def test_in_memory_the_best_weights_are_put_back(
    references: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, run, outcome, _ = references["sgd, averaging, random truncation, plateau"]
    assert outcome.best_step < outcome.step  # else the last weights would do
    monkeypatch.chdir(tmp_path)
    again, objective = toy.go(None, config)
    assert (again.step, again.best_step, again.best_loss) == (
        *(outcome.step, outcome.best_step),
        outcome.best_loss,
    )
    assert toy.same_bits(toy.weights(objective), load_tree(run.model_path))
    assert list(tmp_path.iterdir()) == []


def test_keeps_the_latest_checkpoints(references: dict[str, Any]) -> None:
    _, run, _, _ = references["sgd, step, bfloat16"]
    assert run.all_checkpoints() == [run.checkpoint_path(12), run.checkpoint_path(14)]


def test_bfloat16_reaches_the_products_and_not_the_weights(tmp_path: Path) -> None:
    config = toy.make_config(precision="bfloat16", max_steps=1)
    objective, source = toy.make_parts(config)
    dtypes = []
    objective.model.readout.register_forward_hook(lambda _, __, y: dtypes.append(y.dtype))
    train(objective, source, config, toy.make_run(tmp_path / "run", config), QuietLog())
    assert dtypes[0] == torch.bfloat16
    assert dtypes[-1] == torch.float32  # evaluation is in full precision
    assert all(p.dtype == torch.float32 for p in objective.model.parameters())


def test_a_batch_of_padding_alone_changes_no_weight(tmp_path: Path) -> None:
    config = toy.make_config(max_steps=1, weight_decay=0.5)
    objective, source = toy.make_parts(config)
    before = {name: tensor.clone() for name, tensor in weights(objective).items()}

    class Padding:
        steps_per_epoch = 1

        def __next__(self) -> Any:
            batch = next(source)
            return replace(batch, targets=torch.full_like(batch.targets, IGNORE))

        state_dict = staticmethod(source.state_dict)

    run = toy.make_run(tmp_path / "run", config)
    train(objective, Padding(), config, run, QuietLog())  # type: ignore[arg-type]
    assert same_bits(weights(objective), before)


def test_disk_full_while_saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = toy.make_config()
    run = toy.make_run(tmp_path / "run", config)
    calls = []

    def full(descriptor: int) -> None:
        calls.append(descriptor)
        if len(calls) > 5:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr("elman.files.os.fsync", full)
    with pytest.raises(OSError, match=r"the disk is full \(.* free\)"):
        toy.go(run, config)
    assert run.all_checkpoints() == [run.checkpoint_path(3)]
    assert sorted(path.name for path in run.checkpoints.iterdir()) == ["step-00000003.safetensors"]
    load_tree(run.checkpoint_path(3))


def test_bad_device_is_one_line(tmp_path: Path) -> None:
    for name in ("gpu", "cuda:99"):
        config = toy.make_config(device=name)
        with pytest.raises(InputError, match=f"device '{name}' cannot be used") as caught:
            toy.go(toy.make_run(tmp_path / name, config), config)
        assert "\n" not in str(caught.value)
