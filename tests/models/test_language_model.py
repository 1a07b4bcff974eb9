"""The language model: equations, equalities, dropouts, loss, and what it refuses."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn import functional

import elman
from elman.errors import InputError
from elman.layers.state import State
from elman.models.language_model import LanguageModel, activation_penalty
from elman.models.readout import IGNORE
from elman.models.stacked import output_width
from tests.models.networks import (
    EMBEDDING,
    HIDDEN,
    LAYERS,
    TOLERANCE,
    VOCAB,
    Leaky,
    assert_equal_states,
    language_model,
    random_state,
)

EVERY = pytest.mark.parametrize(
    ("cell", "dtype"), [(cell, dtype) for cell in LAYERS for dtype in TOLERANCE]
)


def test_the_equations_by_torch_itself() -> None:
    model = language_model("lstm", torch.float64).eval()
    tokens = torch.randint(VOCAB, (9, 3))
    targets = torch.randint(VOCAB, (9, 3))
    theirs = nn.LSTM(EMBEDDING, HIDDEN, num_layers=2, dtype=torch.float64)
    for depth, layer in enumerate(model.layers):
        for name, weight in layer.named_parameters():
            theirs.get_parameter(name.replace("_l0", f"_l{depth}")).data.copy_(weight.data)
    hidden, _ = theirs(model.embedding(tokens))
    logits = hidden @ model.readout.weight.T + model.readout.bias
    wanted = functional.cross_entropy(logits.flatten(0, 1), targets.flatten())

    features, _ = model(tokens, model.initial_state(3))
    loss, units = model.loss(features, targets)
    torch.testing.assert_close(loss, wanted, rtol=1e-12, atol=0)
    torch.testing.assert_close(model.log_probs(features), logits.log_softmax(-1))
    assert units == 27


@EVERY
def test_step_by_step_is_chunk_by_chunk_is_the_whole(cell: str, dtype: torch.dtype) -> None:
    model, tolerance = language_model(cell, dtype, tied=True), TOLERANCE[dtype]
    begin = random_state(model, 3)
    tokens = torch.randint(VOCAB, (11, 3))
    whole, end = model.scan(tokens, begin)

    state, steps = begin, []
    for t in range(11):
        log_probs, state = model.step(tokens[t], state)
        steps.append(log_probs)
    torch.testing.assert_close(torch.stack(steps), whole, rtol=tolerance, atol=tolerance)
    assert_equal_states(state, end, tolerance)

    state, chunks = begin, []
    for chunk in tokens.split([4, 1, 6]):
        log_probs, state = model.scan(chunk, state)
        chunks.append(log_probs)
    torch.testing.assert_close(torch.cat(chunks), whole, rtol=tolerance, atol=tolerance)
    assert_equal_states(state, end, tolerance)


@EVERY
def test_alone_is_in_a_batch(cell: str, dtype: torch.dtype) -> None:
    model, tolerance = language_model(cell, dtype), TOLERANCE[dtype]
    begin = random_state(model, 4)
    tokens = torch.randint(VOCAB, (6, 4))
    together, end = model.scan(tokens, begin)
    for row in range(4):
        alone, state = model.scan(tokens[:, [row]], begin.select([row]))
        torch.testing.assert_close(alone[:, 0], together[:, row], rtol=tolerance, atol=tolerance)
        assert_equal_states(state, end.select([row]), tolerance)


@pytest.mark.parametrize("cell", LAYERS)
def test_rows_that_end_early_are_as_if_cut(cell: str) -> None:
    model = language_model(cell)
    begin = random_state(model, 3)
    tokens, lengths = torch.randint(VOCAB, (6, 3)), torch.tensor([6, 0, 4])
    features, end = model(tokens, begin, lengths)
    for row, length in enumerate(lengths.tolist()):
        wanted = begin.select([row])
        if length:
            alone, wanted = model(tokens[:length, [row]], wanted)
            torch.testing.assert_close(features[:length, row], alone[:, 0])
        assert_equal_states(end.select([row]), wanted, 1e-10)


@pytest.mark.parametrize("cell", LAYERS)
def test_nan_in_a_row_stays_there(cell: str) -> None:
    model = language_model(cell)
    begin = random_state(model, 3)
    tokens, targets = torch.randint(VOCAB, (5, 3)), torch.randint(VOCAB, (5, 3))
    clean, clean_end = model.scan(tokens, begin)
    name = next(name for name in begin if begin[name].is_floating_point())
    nan = type(begin).with_axes(
        {k: torch.full_like(v, math.nan) if k == name else v for k, v in begin.items()}, begin.axes
    )
    poisoned = begin.reset(torch.tensor([False, True, False]), to=nan)
    log_probs, end = model.scan(tokens, poisoned)
    assert log_probs[:, 1].isnan().any()
    torch.testing.assert_close(log_probs[:, [0, 2]], clean[:, [0, 2]])
    assert_equal_states(end.select([0, 2]), clean_end.select([0, 2]), 1e-10)

    # Not scored, it does not reach the loss either.
    targets[:, 1] = IGNORE
    features, _ = model(tokens, poisoned)
    assert math.isfinite(model.loss(features, targets)[0].item())


@pytest.mark.parametrize("readout", ["full", "sampled"])
@pytest.mark.parametrize("width", [EMBEDDING, HIDDEN])
def test_tied_weights_are_one_parameter(readout: str, width: int) -> None:
    layers = [elman.GRU(width, HIDDEN)]
    model = LanguageModel(VOCAB, width, layers, tied=True, readout=readout)  # type: ignore[arg-type]
    assert model.readout.weight is model.embedding.weight
    assert (model.projection is None) == (width == HIDDEN)
    assert sum(p.shape == (VOCAB, width) for p in model.parameters()) == 1
    model.to(torch.float64)
    assert model.readout.weight is model.embedding.weight

    tokens = torch.randint(VOCAB, (5, 2))
    features, _ = model(tokens, model.initial_state(2))
    loss, _ = model.loss(features, tokens)
    both = torch.autograd.grad(loss, model.embedding.weight, retain_graph=True)[0]
    cut = model.loss(features.detach(), tokens)[0]
    read_out_only = torch.autograd.grad(cut, model.embedding.weight)[0]
    assert (both - read_out_only).abs().max() > 0


def test_widths_are_those_of_what_leaves_a_layer() -> None:
    layers = [elman.LSTM(4, 9, proj_size=5), elman.Recurrent(Leaky(5, 7)), elman.GRU(7, 3)]
    assert [output_width(layers[:depth], 4) for depth in range(4)] == [4, 5, 7, 3]


@pytest.mark.parametrize("locked", [True, False])
@pytest.mark.parametrize("place", ["input", "hidden", "output"])
def test_each_dropout_is_kept_over_time_or_drawn_at_every_step(place: str, locked: bool) -> None:
    rates = {f"{name}_dropout": 0.0 for name in ("embedding", "input", "hidden", "output")}
    model = language_model("lstm", **{**rates, f"{place}_dropout": 0.5}, locked_dropout=locked)
    seen: dict[str, torch.Tensor] = {}
    for layer, name in zip(model.layers, ("input", "hidden"), strict=True):
        layer.register_forward_pre_hook(
            lambda _, arguments, name=name: seen.update({name: arguments[0]})
        )
    seen["output"], _ = model(torch.randint(VOCAB, (8, 4)), model.initial_state(4))
    for name, values in seen.items():
        zero = values == 0
        if name != place:
            assert not zero.any()
            continue
        assert 0.2 < zero[0].double().mean() < 0.8
        assert bool((zero == zero[0]).all()) is locked
        assert bool((zero[:, :1] != zero[:, 1:]).any())  # one mask a row


def test_words_are_dropped_everywhere_at_once() -> None:
    model = language_model(embedding_dropout=0.5)
    tokens = torch.arange(VOCAB).repeat(2, 1)
    vectors = model._embed(tokens)
    gone = (vectors == 0).all(-1)
    assert 0 < gone[0].sum() < VOCAB
    assert bool((gone[0] == gone[1]).all())
    torch.testing.assert_close(vectors[~gone], 2 * model.embedding(tokens)[~gone])
    model.eval()
    torch.testing.assert_close(model._embed(tokens), model.embedding(tokens))


def test_dropout_is_off_in_evaluation() -> None:
    model = language_model("lstm").eval()
    tokens = torch.randint(VOCAB, (5, 2))
    first, _ = model(tokens, model.initial_state(2))
    second, _ = model(tokens, model.initial_state(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, model.train()(tokens, model.initial_state(2))[0])


def test_gradients_reach_every_parameter() -> None:
    for cell in LAYERS:
        model = language_model(cell, tied=True).train()
        features, _ = model(torch.randint(VOCAB, (5, 2)), model.initial_state(2))
        model.loss(features, torch.randint(VOCAB, (5, 2)))[0].backward()
        without = [n for n, p in model.named_parameters() if p.grad is None or not p.grad.any()]
        assert without == [], cell


@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
@settings(max_examples=20)
def test_what_is_ignored_does_not_count(seed: int, share: float) -> None:
    model = language_model().eval()
    generator = torch.Generator().manual_seed(seed)
    tokens = torch.randint(VOCAB, (5, 3), generator=generator)
    scored = torch.rand(5, 3, generator=generator) < share
    features, _ = model(tokens, model.initial_state(3))
    loss, units = model.loss(features, tokens.masked_fill(~scored, IGNORE))
    assert units == int(scored.sum())
    each = -model.log_probs(features).gather(-1, tokens[..., None])[..., 0]
    wanted = each[scored].mean() if units else torch.zeros((), dtype=torch.float64)
    torch.testing.assert_close(loss, wanted)


def test_a_loss_over_nothing_has_a_gradient_of_zero() -> None:
    for readout in ("full", "sampled", "adaptive"):
        layers = [elman.RNN(6, 16)]
        model = LanguageModel(60, 6, layers, readout=readout)  # type: ignore[arg-type]
        features, _ = model(torch.randint(60, (3, 2)), model.initial_state(2))
        loss, units = model.loss(features, torch.full((3, 2), IGNORE))
        loss.backward()
        assert (loss.item(), units) == (0, 0)
        assert all(not p.grad.any() for p in model.layers.parameters() if p.grad is not None)


def test_activation_penalty_by_hand() -> None:
    features = torch.tensor([[[1.0, 0.0]], [[3.0, 1.0]], [[3.0, 2.0]]])
    # Squares 1 + 9 + 1 + 9 + 4 over 6; squared changes 4 + 1 + 0 + 1 over 4.
    assert activation_penalty(features, 2.0, 0.0).item() == pytest.approx(8)
    assert activation_penalty(features, 0.0, 1.0).item() == pytest.approx(1.5)
    assert activation_penalty(features[:1], 0.0, 1.0).item() == 0


def test_init_range_draws_every_matrix_and_nothing_else() -> None:
    options = {"learn_initial_state": True, "layer_norm": True, "forget_bias": 1.0}
    layers = [elman.LSTM(64, 128, **options)]  # type: ignore[arg-type]
    before = {n: p.clone() for n, p in layers[0].named_parameters()}
    model = LanguageModel(200, 64, layers, init_range=0.05)
    for name, parameter in model.named_parameters():
        if name.startswith(("embedding", "readout.weight", "layers.0.weight")):
            assert 0.049 < parameter.abs().max() <= 0.05
            assert abs(parameter.std().item() / (0.1 / math.sqrt(12)) - 1) < 0.03
        elif name.startswith("layers.0."):
            assert torch.equal(parameter, before[name.removeprefix("layers.0.")])


def test_logits_begin_near_one_in_size_when_tied() -> None:
    model = LanguageModel(500, 256, [elman.LSTM(256, 256)], tied=True)
    logits = functional.linear(torch.randn(64, 256), model.readout.weight)  # type: ignore[arg-type]
    assert 0.8 < logits.std().item() < 1.2


def test_half_precision_products_are_scored_in_single() -> None:
    model = LanguageModel(50, 16, [elman.GRU(16, 16)])
    tokens = torch.randint(50, (6, 4))
    exact = model.loss(model(tokens, model.initial_state(4))[0], tokens)[0]
    with torch.autocast("cpu", torch.bfloat16):
        features, _ = model(tokens, model.initial_state(4))
        loss, _ = model.loss(features, tokens)
        assert model.log_probs(features).dtype == torch.float32
    assert loss.dtype == torch.float32
    assert abs(loss.item() - exact.item()) < 0.02
    loss.backward()


def test_evaluation_in_slices_is_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    model = language_model().eval()
    tokens = torch.randint(VOCAB, (7, 3))
    features, _ = model(tokens, model.initial_state(3))
    whole, _ = model.loss(features, tokens)
    monkeypatch.setattr("elman.models.readout.LOGITS_AT_ONCE", 2 * VOCAB)
    calls = 0
    cross_entropy = functional.cross_entropy

    def counted(*args: object, **options: object) -> torch.Tensor:
        nonlocal calls
        calls += 1
        return cross_entropy(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(functional, "cross_entropy", counted)
    with torch.no_grad():
        sliced, _ = model.loss(features, tokens)
    torch.testing.assert_close(sliced, whole, rtol=1e-12, atol=0)
    assert calls == 11


@pytest.mark.parametrize(
    ("build", "said"),
    [
        (lambda: LanguageModel(9, 4, []), "at least one"),
        (lambda: LanguageModel(1, 4, [elman.RNN(4, 4)]), "vocab_size"),
        (lambda: LanguageModel(9, 4, [elman.RNN(5, 4)]), "expects inputs of 5, but gets 4"),
        (lambda: LanguageModel(9, 4, [elman.RNN(4, 6), elman.RNN(4, 6)]), "layer 1"),
        (lambda: LanguageModel(9, 4, [elman.RNN(4, 4, bidirectional=True)]), "bidirectional"),
        (lambda: LanguageModel(9, 4, [elman.RNN(4, 4, batch_first=True)]), "batch_first"),
        (lambda: LanguageModel(9, 4, [nn.RNN(4, 4)]), "elman.convert"),
        (lambda: LanguageModel(9, 4, [elman.RNN(4, 4)], init_range=0.0), "init_range"),
        (lambda: LanguageModel(9, 4, [elman.RNN(4, 4)], readout="half"), "readout must be one of"),  # type: ignore[arg-type]
        (lambda: LanguageModel(9, 4, [elman.RNN(4, 4)], readout="adaptive"), "cutoffs"),
        (lambda: LanguageModel(99, 4, [elman.RNN(4, 4)], readout="adaptive"), "16 features"),
        (
            lambda: LanguageModel(99, 16, [elman.RNN(16, 16)], readout="adaptive", tied=True),
            "no weights to tie",
        ),
    ],
)
def test_what_does_not_fit_is_said(build: object, said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        build()  # type: ignore[operator]
    assert "\n" not in str(error.value)


def test_ids_of_another_vocabulary() -> None:
    model = language_model()
    for tokens in ([[0, VOCAB]], [[-1, 0]]):
        with pytest.raises(InputError, match=f"from 0 to {VOCAB - 1}"):
            model(torch.tensor(tokens), model.initial_state(2))


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (lambda: language_model("lstm").initial_state(3), "batch of 3, expected 2"),
        (lambda: language_model("gru").initial_state(2), "another model"),
        (lambda: language_model("lstm", depth=1).initial_state(2), "another model"),
        (lambda: language_model("lstm", depth=3).initial_state(2), "another model"),
    ],
)
def test_a_state_from_elsewhere(state: Callable[[], State], said: str) -> None:
    with pytest.raises(InputError, match=said) as error:
        language_model("lstm")(torch.zeros(1, 2, dtype=torch.long), state())
    assert "\n" not in str(error.value)
