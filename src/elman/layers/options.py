"""Options of our layers beyond torch's."""

from __future__ import annotations

from typing import TypedDict

from elman.layers.initialize import Initialization


class Extras(TypedDict, total=False):
    """Keyword arguments that `RNN`, `GRU` and `LSTM` share and torch.nn does not have."""

    layer_norm: bool
    """Normalize U x and V h before they are added, and c inside an LSTM (Ba et al. 2016)."""
    zoneout: float | tuple[float, ...]
    """Probability that a unit keeps its old value; one for each state (Krueger et al. 2016)."""
    recurrent_dropout: float
    """Dropout of h before V, with one mask for all steps (Gal & Ghahramani 2016)."""
    weight_dropout: float
    """Dropout of the single weights of V (Merity et al. 2017)."""
    forget_bias: float | None
    """Initial bias of the forget gate: an LSTM's f, a GRU's z."""
    chrono: float | None
    """The longest expected dependence, in steps: forget gates start with time constants up to it
    (Tallec & Ollivier 2018)."""
    learn_initial_state: bool
    """The initial state is a parameter instead of zero."""
    init: Initialization
    """"torch", "orthogonal" (V), or "identity" (V, for ReLU)."""
    recompute: bool
    """Save only outputs and a few states for the backward pass, and recompute the rest there: long
    sequences in a fraction of the memory, for up to half as much time again."""
