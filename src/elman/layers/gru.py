"""The gated recurrent unit as a layer."""

from __future__ import annotations

from elman.kernels import gru as kernel
from elman.layers.stack import RecurrentStack


class GRU(RecurrentStack):
    """The gated recurrent unit, a drop-in for ``torch.nn.GRU`` and in its variant.

    r_t = sigmoid(U_r x_t + V_r h_{t-1} + b_r), z_t likewise,
    n_t = tanh(U_n x_t + b_in + r_t * (V_n h_{t-1} + b_hn)),
    h_t = (1 - z_t) * n_t + z_t * h_{t-1}.
    ``weight_ih_l0`` (3 H, I) and ``weight_hh_l0`` (3 H, H) hold r, z, n in that order.

    Args:
        input_size: I, the width of x_t.
        hidden_size: H, the width of the hidden state.
        num_layers: layers, each reading the outputs of the one below.
        bias: whether there are biases.
        batch_first: inputs and outputs (B, T, …) for (T, B, …); states stay (L * D, B, H).
        dropout: of the outputs between layers, while training.
        bidirectional: read from both ends and lay the outputs side by side.
        proj_size: 0; only an LSTM has a projection.
        device: where the parameters live.
        dtype: of the parameters.

    The other arguments are what torch does not have; see `elman.layers.parameters.Extras`.
    ``forget_bias`` is the bias of z, the gate that keeps the old state.

    Source: Cho et al. 2014, arXiv:1406.1078; the reset after the product with V, as in cuDNN.
    """

    kind = kernel.GRU
    mode = "GRU"
    forget_gate = 1
