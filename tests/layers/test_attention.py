import pytest
import torch
from torch import Tensor

from elman.layers.attention import ATTENTIONS, AdditiveAttention, Attention, GeneralAttention

B, T, S, Q, M = 3, 4, 5, 6, 6
LENGTHS = torch.tensor([5, 1, 3])
KINDS = pytest.mark.parametrize("kind", ATTENTIONS)


def made(kind: str) -> Attention:
    torch.manual_seed(0)
    return ATTENTIONS[kind](Q, M).double()


def operands() -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(1)
    queries, memory = torch.randn(B, T, Q).double(), torch.randn(B, S, M).double()
    return queries, memory, torch.arange(S) < LENGTHS[:, None]


def by_hand(attention: Attention, query: Tensor, step: Tensor) -> Tensor:
    """The equations, for one query and one step of the memory."""
    if isinstance(attention, GeneralAttention):
        return query @ attention.weight.weight @ step
    if isinstance(attention, AdditiveAttention):
        inside = attention.query.weight @ query + attention.memory.weight @ step
        return attention.score.weight[0] @ torch.tanh(inside + attention.memory.bias)
    return query @ step


@KINDS
def test_the_equations(kind: str) -> None:
    attention = made(kind)
    queries, memory, present = operands()
    contexts, weights = attention(queries, memory, attention.keys(memory), present)
    for b in range(B):
        for t in range(T):
            steps = range(int(LENGTHS[b]))
            scores = [by_hand(attention, queries[b, t], memory[b, s]).exp() for s in steps]
            expected = torch.stack(scores) / sum(scores)
            torch.testing.assert_close(weights[b, t, : len(steps)], expected)
            context = sum(w * memory[b, s] for s, w in enumerate(expected))
            torch.testing.assert_close(contexts[b, t], context)


@KINDS
def test_what_is_past_the_end_is_not_seen(kind: str) -> None:
    attention = made(kind)
    queries, memory, present = operands()
    contexts, weights = attention(queries, memory, attention.keys(memory), present)
    assert (weights.masked_select(~present[:, None]) == 0).all()
    torch.testing.assert_close(weights.sum(-1), torch.ones(B, T).double())
    poisoned = memory.masked_fill(~present[..., None], 1e30)
    again, _ = attention(queries, poisoned, attention.keys(poisoned), present)
    torch.testing.assert_close(again, contexts)


@KINDS
def test_gradients_are_finite_and_right(kind: str) -> None:
    attention = made(kind)
    queries, memory, present = operands()

    def read(queries: Tensor, memory: Tensor) -> Tensor:
        contexts: Tensor = attention(queries, memory, attention.keys(memory), present)[0]
        return contexts

    inputs = (queries.requires_grad_(), memory.requires_grad_())
    assert torch.autograd.gradcheck(read, inputs)


def test_general_and_additive_join_any_two_widths() -> None:
    queries, memory, present = torch.randn(B, T, 7), torch.randn(B, S, 3), operands()[2]
    for kind in ("general", "additive"):
        attention = ATTENTIONS[kind](7, 3)
        contexts, weights = attention(queries, memory, attention.keys(memory), present)
        assert contexts.shape == (B, T, 3)
        assert weights.shape == (B, T, S)
        torch.testing.assert_close(weights.sum(-1), torch.ones(B, T))
    with pytest.raises(ValueError, match="dot attention needs queries as wide"):
        ATTENTIONS["dot"](7, 3)
