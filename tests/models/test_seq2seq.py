from itertools import product
from typing import Any

import pytest
import torch
from torch import Tensor, nn

import elman
from elman.errors import InputError
from elman.layers.attention import ATTENTIONS
from elman.layers.state import State
from elman.models.readout import IGNORE
from elman.models.seq2seq import Bridge, Seq2Seq, feature_size
from tests.models.networks import Leaky

SOURCE_V, V, E, ENCODER, H = 11, 13, 6, 4, 8
START = 1
LENGTHS = torch.tensor([5, 1, 3])


def both_ways(cell: str, inputs: int) -> nn.Module:
    if cell == "custom":
        return elman.Recurrent(Leaky(inputs, ENCODER), Leaky(inputs, ENCODER))
    made: nn.Module = getattr(elman, cell)(inputs, ENCODER, bidirectional=True)
    return made


def one_way(cell: str, inputs: int) -> nn.Module:
    if cell == "custom":
        return elman.Recurrent(Leaky(inputs, H))
    made: nn.Module = getattr(elman, cell)(inputs, H)
    return made


def network(
    cell: str = "GRU",
    decoder_cell: str | None = None,
    *,
    depths: tuple[int, int] = (1, 1),
    attention: str = "general",
    tied: str = "decoder",
    fed: bool = False,
    **options: Any,
) -> Seq2Seq:
    """A model in double precision; the same one for the same arguments."""
    torch.manual_seed(1)
    encoder = [both_ways(cell, 2 * ENCODER if depth else E) for depth in range(depths[0])]
    first = E + (feature_size(tied, E, H) if fed else 0)
    decoder = [one_way(decoder_cell or cell, H if depth else first) for depth in range(depths[1])]
    made = Seq2Seq(
        V if tied == "all" else SOURCE_V,
        V,
        E,
        encoder,
        decoder,
        ATTENTIONS[attention](H, 2 * ENCODER),
        memory_size=2 * ENCODER,
        hidden_size=H,
        tied=tied,
        input_feeding=fed,
        **options,
    )
    return made.double().eval()


def operands() -> tuple[Tensor, Tensor]:
    """Sources (5, 3) of LENGTHS, and inputs (4, 3)."""
    torch.manual_seed(2)
    inputs = torch.randint(2, V, (4, 3))
    inputs[0] = START
    return torch.randint(2, SOURCE_V, (5, 3)), inputs


def stepped(model: Seq2Seq, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
    """The logits (T, B, V), a token at a time."""
    memory, state = model.start(source, lengths)
    logits = []
    for tokens in inputs:
        here, state, _ = model.step(tokens, state, memory)
        logits.append(here)
    return torch.stack(logits)


def logits(model: Seq2Seq, source: Tensor, lengths: Tensor, inputs: Tensor) -> Tensor:
    features = model(source, lengths, inputs)
    return features @ model.readout.weight.T + model.readout.bias


EVERY = [
    *product(["RNN", "GRU", "LSTM", "custom"], [False, True], ["general"], [(1, 1)]),
    *product(["LSTM"], [False, True], ["dot", "additive"], [(1, 1), (2, 1), (1, 2)]),
]


@pytest.mark.parametrize(("cell", "fed", "attention", "depths"), EVERY)
def test_the_whole_is_its_steps(
    cell: str, fed: bool, attention: str, depths: tuple[int, int]
) -> None:
    model = network(cell, fed=fed, attention=attention, depths=depths)
    source, inputs = operands()
    whole = logits(model, source, LENGTHS, inputs)
    steps = stepped(model, source, LENGTHS, inputs)
    torch.testing.assert_close(whole, steps, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize(("cell", "fed", "attention", "depths"), EVERY)
def test_alone_is_in_a_batch(cell: str, fed: bool, attention: str, depths: tuple[int, int]) -> None:
    model = network(cell, fed=fed, attention=attention, depths=depths)
    source, inputs = operands()
    together = logits(model, source, LENGTHS, inputs)
    for row, length in enumerate(LENGTHS.tolist()):
        one = slice(row, row + 1)
        alone = logits(model, source[:length, one], LENGTHS[one], inputs[:, one])
        torch.testing.assert_close(together[:, one], alone, rtol=1e-10, atol=1e-12)


def test_both_paths_learn_alike() -> None:
    """Every gradient, with and without the kernel over all steps."""
    source, inputs = operands()
    gradients = []
    for way in (logits, stepped):
        model = network("LSTM", depths=(2, 2))
        way(model, source, LENGTHS, inputs).square().sum().backward()
        gradients.append({name: p.grad for name, p in model.named_parameters()})
    assert gradients[0].keys() == gradients[1].keys()
    for name, gradient in gradients[0].items():
        assert gradient is not None, name
        assert gradient.abs().max() > 0, name
        torch.testing.assert_close(gradient, gradients[1][name], rtol=1e-8, atol=1e-10)


def test_input_feeding_changes_what_comes_next_and_not_what_came() -> None:
    model = network(fed=True)
    source, inputs = operands()
    memory, state = model.start(source, LENGTHS)
    first, after, _ = model.step(inputs[0], state, memory)
    _, cut = (after, dict(after))
    cut["fed.features"] = torch.zeros_like(after["fed.features"])
    other = State.with_axes(cut, after.axes)
    plain = model.step(inputs[1], after, memory)[0]
    assert not torch.allclose(plain, model.step(inputs[1], other, memory)[0])
    torch.testing.assert_close(first, stepped(model, source, LENGTHS, inputs)[0])


def test_hypotheses_share_the_memory_of_their_source() -> None:
    model = network("LSTM", fed=True)
    source, inputs = operands()
    memory, state = model.start(source, LENGTHS)
    once, _, seen = model.step(inputs[0], state, memory)
    rows = torch.arange(3).repeat_interleave(2)
    twice, after, weights = model.step(inputs[0][rows], state.select(rows), memory)
    torch.testing.assert_close(twice, once[rows])
    torch.testing.assert_close(weights, seen[rows])
    assert after.batch_size == 6
    assert weights.shape == (6, 5)
    assert (weights[2:4, 1:] == 0).all()


def test_an_encoder_and_a_decoder_of_different_cells() -> None:
    source, inputs = operands()
    for cells in (("GRU", "LSTM"), ("LSTM", "custom"), ("custom", "RNN")):
        model = network(*cells)
        torch.testing.assert_close(
            logits(model, source, LENGTHS, inputs), stepped(model, source, LENGTHS, inputs)
        )


def test_the_bridge_brings_both_ends_of_the_source() -> None:
    model = network("GRU")
    source, _ = operands()
    _, state = model.start(source, LENGTHS)
    for place in (0, 4):  # the first token reaches it backwards, the last forwards
        changed = source.clone()
        changed[place, 0] = (changed[place, 0] - 1) % 9 + 2
        _, other = model.start(changed, LENGTHS)
        assert not torch.allclose(state["layer0.h"][:, 0], other["layer0.h"][:, 0])
        torch.testing.assert_close(state["layer0.h"][:, 1:], other["layer0.h"][:, 1:])


def test_the_bridge_fills_every_number_of_a_state() -> None:
    torch.manual_seed(0)
    final = State.with_axes(
        {"h": torch.randn(2, 3, 4), "c": torch.randn(2, 3, 4)}, {"h": 1, "c": 1}
    )
    template = {"c": torch.zeros(1, 3, 5), "age": torch.arange(3), "h": torch.zeros(3, 2)}
    initial = State.with_axes(template, {"c": 1, "age": 0, "h": 0})
    bridge = Bridge(final, initial)
    filled = bridge(final, initial)
    for row in range(3):
        read = torch.cat([final["h"][:, row].flatten(), final["c"][:, row].flatten()])
        written = torch.tanh(bridge.weight(read))
        torch.testing.assert_close(filled["c"][0, row], written[:5])
        torch.testing.assert_close(filled["h"][row], written[5:])
    assert filled["age"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("tied", ["none", "decoder", "all"])
def test_what_is_tied(tied: str) -> None:
    model = network(tied=tied)
    shared = model.readout.weight is model.target_embedding.weight
    assert shared == (tied != "none")
    assert (model.source_embedding is model.target_embedding) == (tied == "all")
    assert model.feature_size == (H if tied == "none" else E)
    source, inputs = operands()
    logits(model, source, LENGTHS, inputs).sum().backward()


def test_the_loss_and_its_smoothing() -> None:
    model = network()
    source, inputs = operands()
    targets = torch.randint(0, V, (4, 3))
    targets[2:, 1] = IGNORE
    features = model(source, LENGTHS, inputs)
    log_probs = model.readout.log_probs(features)[targets != IGNORE]
    wanted = targets[targets != IGNORE]
    truth = -log_probs[torch.arange(len(wanted)), wanted].mean()
    torch.testing.assert_close(model.loss(features, targets), truth)
    smoothed = 0.8 * truth - 0.2 * log_probs.mean()
    torch.testing.assert_close(
        model.loss(features, targets, 0.2), smoothed, check_dtype=False, rtol=1e-5, atol=1e-6
    )


def test_scheduled_sampling_reads_its_own_guesses() -> None:
    model = network()
    source, inputs = operands()
    truth = model(source, LENGTHS, inputs)
    torch.manual_seed(0)
    own = model(source, LENGTHS, inputs, sampling=0.999999)
    torch.testing.assert_close(own[0], truth[0])  # the start token is never replaced
    assert not torch.allclose(own[1:], truth[1:])
    torch.manual_seed(0)
    torch.testing.assert_close(model(source, LENGTHS, inputs, sampling=0.999999), own)
    never = model(source, LENGTHS, inputs, sampling=1e-12)
    torch.testing.assert_close(never, truth)
    own.sum().backward()


def test_dropout_is_for_training() -> None:
    for fed in (False, True):
        model = network(dropout=0.5, fed=fed)
        source, inputs = operands()
        still = model(source, LENGTHS, inputs)
        torch.testing.assert_close(model(source, LENGTHS, inputs), still)
        model.train()
        assert not torch.allclose(model(source, LENGTHS, inputs), still)


def test_sizes_that_do_not_fit_are_said() -> None:
    with pytest.raises(InputError, match="--tied all: the vocabularies differ"):
        Seq2Seq(
            3, 4, E, [both_ways("GRU", E)], [one_way("GRU", E)], ATTENTIONS["dot"](H, H),
            memory_size=8, hidden_size=H, tied="all",
        )  # fmt: skip
    model = network()
    with pytest.raises(InputError, match="another vocabulary"):
        model.start(torch.full((2, 1), SOURCE_V), torch.tensor([2]))
