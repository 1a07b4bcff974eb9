"""Small language models over every kind of layer, for the suites that walk them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

import elman
from elman.layers.state import State
from elman.models.language_model import LanguageModel

VOCAB = 23
EMBEDDING = 6
HIDDEN = 8
TOLERANCE = {torch.float32: 1e-5, torch.float64: 1e-10}


class Leaky(nn.Module):
    """A cell of one's own: a leaky integrator, and the number of steps that it has seen."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.inward = nn.Linear(input_size, hidden_size)
        self.rate = nn.Parameter(torch.randn(hidden_size))

    def initial_state(self, batch_size: int) -> State:
        zeros = self.rate.new_zeros(batch_size, len(self.rate))
        return State(memory=zeros, age=torch.zeros(batch_size, dtype=torch.long))

    def step(self, x_t: Tensor, state: State) -> tuple[Tensor, State]:
        memory = torch.lerp(self.inward(x_t).tanh(), state["memory"], self.rate.sigmoid())
        age = state["age"] + 1
        return memory + 0.01 * age[:, None], State(memory=memory, age=age)


LAYERS: dict[str, Callable[[int, int], nn.Module]] = {
    "rnn": elman.RNN,
    "rnn-relu": lambda i, h: elman.RNN(i, h, nonlinearity="relu"),
    "gru": elman.GRU,
    "lstm": elman.LSTM,
    "lstm-dressed": lambda i, h: elman.LSTM(
        i, h, layer_norm=True, zoneout=0.2, recurrent_dropout=0.1, learn_initial_state=True
    ),
    "custom": lambda i, h: elman.Recurrent(Leaky(i, h)),
}


def language_model(
    cell: str = "lstm", dtype: torch.dtype = torch.float64, depth: int = 2, **options: Any
) -> LanguageModel:
    """A model with all its dropouts on; the same one for the same arguments."""
    torch.manual_seed(1)
    rates = dict.fromkeys(
        ("embedding_dropout", "input_dropout", "hidden_dropout", "output_dropout"), 0.3
    )
    make = LAYERS[cell]
    layers = [make(HIDDEN if d else EMBEDDING, HIDDEN) for d in range(depth)]
    model = LanguageModel(VOCAB, EMBEDDING, layers, **{**rates, **options})
    for name, parameter in model.named_parameters():
        if "initial" in name:
            nn.init.normal_(parameter)
    return model.to(dtype)


def random_state(model: LanguageModel, batch: int) -> State:
    """A state in the middle of somewhere."""
    with torch.no_grad():
        _, state = model.eval().scan(torch.randint(VOCAB, (3, batch)), model.initial_state(batch))
    return state


def assert_equal_states(got: State, wanted: State, tolerance: float) -> None:
    assert list(got) == list(wanted)
    for name in wanted:
        torch.testing.assert_close(got[name], wanted[name], rtol=tolerance, atol=tolerance)
