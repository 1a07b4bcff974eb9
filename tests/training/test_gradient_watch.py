"""What a watch measures, and that the run it watches is to the bit the one it does not."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.data.batching import IGNORE, Batch
from elman.diagnostics.gradients import GradientByLag, LagProfile
from elman.diagnostics.verdicts import longer_memory
from elman.tasks.runs import Run, begin, fit, reopen
from elman.training import gradient_watch as module
from elman.training.contracts import StepEvent
from elman.training.gradient_watch import GradientWatch, lags, measure, record
from elman.training.signals import Interrupted
from tests import tiny
from tests.training import toy


def event(model: nn.Module, batch: Batch, **changes: Any) -> StepEvent:
    given: dict[str, Any] = {"state": None, "loss": 1.0, "grad_norm": 1.0, "step": 1}
    return StepEvent(
        **given | {"model": model, "batch": batch, "units": 1, "learning_rate": 0.1} | changes
    )


def by_hand(
    model: toy.Model, batches: Sequence[Batch], state: Any, row: int
) -> dict[str, list[float]]:
    """The norms for one row from torch's own cell: loss at the last step by each h and c."""
    ours = model.recurrent
    cell = nn.LSTMCell(6, 6)
    names = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    cell.load_state_dict({name: getattr(ours, f"{name}_l0") for name in names})
    h, c = state["h"][0, row : row + 1], state["c"][0, row : row + 1]
    kept: list[tuple[Tensor, Tensor]] = []
    for batch in batches:
        for token in batch.inputs[:, row]:
            h, c = cell(model.embedding(token[None]), (h, c))
            h.retain_grad()
            c.retain_grad()
            kept.append((h, c))
    target = batches[-1].targets[-1, row : row + 1]
    nn.functional.cross_entropy(model.readout(h), target).backward()  # type: ignore[no-untyped-call]
    norms = [[float(t.grad.double().norm()) for t in pair if t.grad is not None] for pair in kept]
    norms.reverse()
    return {name: [n[place] / norms[0][place] for n in norms] for place, name in enumerate("hc")}


@pytest.mark.parametrize("chunks", [0, 2])
def test_it_is_the_gradient_of_the_last_loss_by_each_state_before(chunks: int) -> None:
    objective, source = toy.make_parts(toy.make_config(batch_size=3))
    batches = [next(source) for _ in range(chunks + 1)]
    state = toy.Model().initial_state(3)
    state = type(state).with_axes({n: torch.rand_like(t) for n, t in state.items()}, state.axes)
    for batch in batches:
        assert batch.reset is not None
        batch.reset.zero_()
    seen = event(objective.model, batches[-1], state=state, chunks=tuple(batches[:-1]))
    measured = measure(objective, seen)
    assert measured is not None
    assert measured.max_lag == 8 * (chunks + 1) - 1
    for row in range(3):
        for name, expected in by_hand(objective.model, batches, state, row).items():
            ratios = measured.profile("recurrent", name).ratios[row]
            assert ratios.tolist() == pytest.approx(expected, rel=1e-3)
    numbers = record(measured)
    median = measured.profile("recurrent", "c").quantile(0.5)
    assert numbers["gradient/recurrent/c/6"] == pytest.approx(float(median[6]), rel=1e-3)
    named = [name for name in numbers if name.startswith("gradient/recurrent/h/")]
    assert len(named) == len(lags(measured.max_lag))


def test_lags() -> None:
    assert lags(1) == [1]
    assert lags(7) == [1, 2, 3, 4, 6, 7]
    assert lags(64) == [1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64]


def test_padding_is_not_the_last_step() -> None:
    objective, source = toy.make_parts(toy.make_config(batch_size=2))
    batch = next(source)
    targets = batch.targets.clone()
    targets[5:, 0] = IGNORE
    padded = Batch(batch.inputs, targets, batch.reset)
    short = Batch(batch.inputs[:5, :1], targets[:5, :1], torch.ones(1, dtype=torch.bool))
    measured = measure(objective, event(objective.model, padded))
    alone = measure(objective, event(objective.model, short))
    assert measured is not None
    assert alone is not None
    torch.testing.assert_close(
        measured.profile().ratios[0, :5], alone.profile().ratios[0], rtol=1e-4, atol=1e-7
    )
    nothing = Batch(batch.inputs, torch.full_like(targets, IGNORE), batch.reset)
    assert measure(objective, event(objective.model, nothing)) is None
    one = Batch(batch.inputs[:1], batch.targets[:1], batch.reset)
    assert measure(objective, event(objective.model, one)) is None


def test_it_leaves_no_trace() -> None:
    objective, source = toy.make_parts(toy.make_config())
    model = objective.model.train()
    batch = next(source)
    objective.loss(batch, model.initial_state(4)).loss.backward()  # type: ignore[no-untyped-call]
    before = [(p.clone(), p.grad.clone()) for p in model.parameters() if p.grad is not None]
    random = torch.get_rng_state()
    assert measure(objective, event(model, batch)) is not None
    assert torch.equal(torch.get_rng_state(), random)
    assert all(module.training for module in model.modules())
    after = [(p, p.grad) for p in model.parameters() if p.grad is not None]
    for (p, grad), (q, kept) in zip(after, before, strict=True):
        assert torch.equal(p, q)
        assert torch.equal(grad, kept)


def test_penalties_are_none_of_the_loss_that_is_followed(tmp_path: Path) -> None:
    task = tiny.run(tmp_path, max_steps=1, activation_penalty=9.0, slowness_penalty=9.0).task
    predictor = task.make()
    model, batch = predictor.network, next(task.source())
    penalized = measure(task.objective(predictor), event(model, batch))
    task.config = task.config.model_copy(update={"activation_penalty": 0, "slowness_penalty": 0})
    plain = measure(task.objective(predictor), event(model, batch))
    assert penalized is not None
    assert plain is not None
    assert torch.equal(penalized.profile().norms, plain.profile().norms)


SETTINGS: dict[str, Any] = {
    "dropout": 0.3,
    "recurrent_dropout": 0.2,
    "zoneout": 0.1,
    "activation_penalty": 1.0,
    "window": 32,
    "max_steps": 12,
    "checkpoint_every": 4,
    "eval_every": 4,
    "log_every": 4,
}


def weights(run: Run) -> dict[str, Tensor]:
    return {name: tensor.clone() for name, tensor in run.predictor.network.state_dict().items()}


def test_a_watched_run_has_the_bits_of_one_that_is_not(tmp_path: Path) -> None:
    plain, watched = tmp_path / "plain", tmp_path / "watched"
    for folder in (plain, watched):
        folder.mkdir()
    first = tiny.run(plain, watch=0, **SETTINGS)
    second = tiny.run(watched, watch=4, **SETTINGS)
    assert toy.same_bits(weights(first), weights(second))
    records = toy.lines(second.directory)
    seen = [one for one in records if any(name.startswith("gradient/") for name in one)]
    assert [one["step"] for one in seen] == [4, 8, 12]
    # With zoneout the last h is made of the new c alone, not of the mixture that is passed on.
    there = {f"gradient/layers.0/{name}/{lag}" for name in "hc" for lag in lags(31)}
    assert set(seen[0]) == {"step"} | there - {"gradient/layers.0/c/31"}
    assert [one for one in records if one not in seen] == toy.lines(first.directory)


class Stop:
    """Crashes after the backward pass of one step, when the watch has spoken."""

    def after_backward(self, event: StepEvent) -> None:
        if event.step == 10:
            raise KeyboardInterrupt


def test_resumed_equals_uninterrupted(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = tiny.run(tmp_path / "whole", watch=5, **SETTINGS)
    settings = tiny.SETTINGS | SETTINGS | {"watch": 5}
    config = whole.task.config.model_validate(settings)
    torch.rand(3)
    run = begin("language-model", tmp_path / "whole" / "text.txt", tmp_path / "cut", config)
    with pytest.raises((KeyboardInterrupt, Interrupted)):
        fit(run, observers=[Stop()])
    assert toy.lines(run.directory)[-1]["step"] == 10
    opened, checkpoint = reopen(tmp_path / "cut")
    resumed, _ = fit(opened, resume_from=checkpoint)
    assert toy.same_bits(weights(resumed), weights(whole))
    assert toy.lines(resumed.directory) == toy.lines(whole.directory)
    assert (tmp_path / "cut" / "gradients.png").exists()


def test_by_default_it_takes_two_percent_of_the_time(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [0.0]
    monkeypatch.setattr(module, "perf_counter", lambda: clock[0])
    spent = []

    def slow(*_: object) -> None:
        spent.append(clock[0])
        clock[0] += 0.5

    monkeypatch.setattr(module, "measure", slow)
    config = toy.make_config()
    objective, source = toy.make_parts(config)
    watch, batch = GradientWatch(objective, config.watch), next(source)
    for step in range(1, 20_001):
        clock[0] += 0.01
        watch.after_backward(event(objective.model, batch, step=step))
        if step % 1000 == 0 and spent[1:]:
            assert 0.5 * len(spent) <= 0.02 * clock[0] + 0.01
    assert len(spent) == 6  # 200 s, 0.5 s each, 1.5 %
    asked = GradientWatch(objective, 10)
    spent.clear()
    for step in range(1, 101):
        asked.after_backward(event(objective.model, batch, step=step))
    assert len(spent) == 10


@pytest.mark.parametrize("changes", [{"loss": float("nan")}, {"grad_norm": float("inf")}])
def test_what_the_loop_refuses_is_not_measured(changes: dict[str, float]) -> None:
    config = toy.make_config(watch=1)
    objective, source = toy.make_parts(config)
    batch = next(source)
    watch = GradientWatch(objective, config.watch)
    assert watch.after_backward(event(objective.model, batch, **changes)) is None
    assert watch.after_backward(event(objective.model, batch)) is not None


def test_a_model_without_a_recurrent_layer_is_not_watched() -> None:
    config = toy.make_config(watch=1)
    objective, source = toy.make_parts(config)
    objective.model.recurrent = nn.Identity()  # type: ignore[assignment]
    watch = GradientWatch(objective, config.watch)
    assert watch.after_backward(event(objective.model, next(source))) is None


def warnings(rho: float, times: int = 4) -> list[str]:
    """The warnings of a watch over an Elman network whose V is rho times the identity."""
    config = toy.make_config(watch=1, truncation=40)
    objective, source = toy.make_parts(config)
    objective.model.recurrent = elman.RNN(6, 6, nonlinearity="relu")  # type: ignore[assignment]
    with torch.no_grad():
        parameters = dict(objective.model.recurrent.named_parameters())
        parameters["weight_hh_l0"].copy_(rho * torch.eye(6))
        parameters["bias_ih_l0"].fill_(10.0)
    watch = GradientWatch(objective, config.watch)
    said = []
    for step in range(1, times + 1):
        batch = next(source)
        seen = watch.after_backward(event(objective.model, batch, step=step))
        assert seen is not None
        said.append(seen.warning)
    return said


def test_what_vanishes_or_explodes_is_reported_once_with_a_remedy() -> None:
    first, second, *rest = warnings(0.5)
    assert first == ""
    assert second.startswith("step 2: the gradient vanishes in recurrent: under 1 % of it is left")
    assert second.endswith(f"after 6.6 steps; {longer_memory(None, None)[1]}")  # ln 0.01 / ln 0.5
    assert rest == ["", ""]
    said = warnings(1.3)[1]
    assert said.startswith(
        "step 2: the gradient explodes in recurrent: 39 steps back it is 2.78e+04"
    )
    assert "clip_norm" in said
    assert warnings(0.97) == ["", "", "", ""]


def test_one_measurement_alone_says_nothing() -> None:
    watch = GradientWatch(toy.make_parts(toy.make_config())[0], 1)
    ill = GradientByLag(
        20,
        (-1,),
        (LagProfile("a", "h", 0.1 ** torch.arange(21.0)[None].double(), torch.zeros(1).long()),),
        1.0,
    )
    well = GradientByLag(20, (-1,), (LagProfile("a", "h", torch.ones(1, 21), torch.zeros(1)),), 1.0)
    assert [bool(watch._warning(1, one)) for one in (ill, well, ill, ill, ill)] == [
        *(False, False, False, True, False)
    ]
