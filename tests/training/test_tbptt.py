"""Truncation: how far gradients flow, which rows begin anew, and rows split and joined."""

import pytest
import torch
from torch.nn import functional as F

from elman.data.batching import Batch
from elman.layers.state import State
from elman.training.tbptt import Window, begin, join_rows, split_rows, unroll
from tests.training.toy import VOCAB, Model, Objective


def chunks(count: int, length: int = 3, batch_size: int = 2) -> list[Batch]:
    tokens = torch.randint(VOCAB, (count * length + 1, batch_size))
    return [
        Batch(
            tokens[i * length : (i + 1) * length],
            tokens[i * length + 1 : (i + 1) * length + 1],
            torch.full((batch_size,), i == 0),
        )
        for i in range(count)
    ]


def gradients(model: Model, loss: torch.Tensor) -> list[torch.Tensor]:
    found = torch.autograd.grad(loss, list(model.parameters()), allow_unused=True)
    return [
        torch.zeros_like(p) if g is None else g
        for g, p in zip(found, model.parameters(), strict=True)
    ]


@pytest.fixture
def objective() -> Objective:
    return Objective(Model(dropout=0.0).double())


@pytest.mark.parametrize("chunks_back", [0, 1, 2, 9])
def test_gradients_flow_back_over_the_window_and_no_further(
    objective: Objective, chunks_back: int
) -> None:
    model, count = objective.model, 5
    batches = chunks(count)
    window = Window()
    for batch in batches:
        result, window = unroll(objective, window, batch, chunks_back)
        ours = gradients(model, result.loss)
    assert len(window.chunks) == min(chunks_back, count)
    assert all(not tensor.requires_grad for tensor in (window.state or {}).values())

    # By hand: run up to the window without a graph, through the window with one.
    first = max(0, count - 1 - chunks_back)
    state = model.initial_state(2)
    if first:
        past = torch.cat([batch.inputs for batch in batches[:first]])
        state = model(past, state)[1].detach()
    recent = torch.cat([batch.inputs for batch in batches[first:]])
    scores = model(recent, state)[0][-3:]
    loss = F.cross_entropy(scores.flatten(0, 1), batches[-1].targets.flatten())
    torch.testing.assert_close(result.loss, loss)
    for got, expected in zip(ours, gradients(model, loss), strict=True):
        torch.testing.assert_close(got, expected)


def test_the_window_matters(objective: Objective) -> None:
    """The test above would prove nothing if all its gradients were alike."""
    batches, seen = chunks(4), []
    for chunks_back in (0, 1, 2):
        window = Window()
        for batch in batches:
            result, window = unroll(objective, window, batch, chunks_back)
        seen.append(gradients(objective.model, result.loss)[1])
    assert not torch.allclose(seen[0], seen[1])
    assert not torch.allclose(seen[1], seen[2])


def test_state_carries_on_across_chunks(objective: Objective) -> None:
    batches = chunks(4)
    whole = objective.model(
        torch.cat([b.inputs for b in batches]), objective.model.initial_state(2)
    )
    for chunks_back in (0, 2):
        window = Window()
        for batch in batches:
            result, window = unroll(objective, window, batch, chunks_back)
        assert result.state is not None
        for name in whole[1]:
            torch.testing.assert_close(result.state[name], whole[1][name])


def test_rows_that_begin_get_the_initial_state_and_its_gradient(objective: Objective) -> None:
    model = objective.model
    state = State.with_axes(
        {name: torch.full_like(t, 7.0) for name, t in model.initial_state(3).items()},
        model.initial_state(3).axes,
    )
    tokens = torch.zeros(2, 3, dtype=torch.long)
    batch = Batch(tokens, tokens, torch.tensor([False, True, False]))
    begun = begin(state, batch, model)
    assert begun is not None
    for name, initial in model.initial_state(3).items():
        rows = begun[name].movedim(begun.axes[name], 0)
        assert torch.equal(rows[1], initial.movedim(begun.axes[name], 0)[1])
        assert (rows[[0, 2]] == 7).all()
        assert rows[1].requires_grad
    carried = begin(state, Batch(tokens, tokens, torch.zeros(3, dtype=torch.bool)), model)
    assert carried is state
    assert begin(None, Batch(tokens, tokens, None), model) is None
    assert begin(state, Batch(tokens, tokens, None), model) is None


def test_a_row_that_begins_inside_the_window_hears_nothing_of_before(objective: Objective) -> None:
    """Changing what row 1 read before it began changes nothing for it, and something for row 0."""
    results = []
    for change in (0, 1):
        torch.manual_seed(1)
        batches = chunks(4)
        batches[0].inputs.add_(change).remainder_(VOCAB)
        batches[2] = Batch(batches[2].inputs, batches[2].targets, torch.tensor([False, True]))
        window = Window()
        for batch in batches:
            result, window = unroll(objective, window, batch, 3)
        assert result.state is not None
        results.append(result.state["h"])
    assert torch.equal(results[0][:, 1], results[1][:, 1])
    assert not torch.equal(results[0][:, 0], results[1][:, 0])


@pytest.mark.parametrize("parts", [1, 2, 3, 5])
@pytest.mark.parametrize("chunks_back", [0, 2])
def test_split_and_join(objective: Objective, parts: int, chunks_back: int) -> None:
    window = Window()
    batches = chunks(3, batch_size=5)
    for batch in batches[:2]:
        _, window = unroll(objective, window, batch, chunks_back)
    _, expected = unroll(objective, window, batches[2], chunks_back)
    split = split_rows(window, batches[2], parts)
    assert len(split) == parts
    after = [unroll(objective, past, part, chunks_back)[1] for past, part in split]
    joined = join_rows(window, batches[2], after)
    assert len(joined.chunks) == len(expected.chunks) == chunks_back
    for got, chunk in zip(joined.chunks, expected.chunks, strict=True):
        assert torch.equal(got.inputs, chunk.inputs)
        assert torch.equal(got.targets, chunk.targets)
    assert joined.state is not None
    assert expected.state is not None
    for name in expected.state:
        torch.testing.assert_close(joined.state[name], expected.state[name])


def test_a_state_of_another_batch_size_is_an_error(objective: Objective) -> None:
    batch = chunks(2)[1]
    with pytest.raises(ValueError, match="batch of 3, expected 2"):
        begin(objective.model.initial_state(3), batch, objective.model)
