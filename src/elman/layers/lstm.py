"""Long short-term memory as a layer."""

from __future__ import annotations

from elman.kernels import lstm as kernel
from elman.layers.stack import RecurrentStack


class LSTM(RecurrentStack):
    """Long short-term memory, a drop-in for ``torch.nn.LSTM``.

    i_t, f_t, o_t = sigmoid(U x_t + V h_{t-1} + b), g_t = tanh(…) likewise,
    c_t = f_t * c_{t-1} + i_t * g_t, h_t = o_t * tanh(c_t).
    ``weight_ih_l0`` (4 H, I) and ``weight_hh_l0`` (4 H, R) hold i, f, g, o in that order; with
    ``proj_size`` the layer puts out and feeds back W_hr h_t, ``weight_hr_l0`` (R, H).

    Args:
        input_size: I, the width of x_t.
        hidden_size: H, the width of the cell state c.
        num_layers: layers, each reading the outputs of the one below.
        bias: whether there are biases.
        batch_first: inputs and outputs (B, T, …) for (T, B, …); states stay (L * D, B, …).
        dropout: of the outputs between layers, while training.
        bidirectional: read from both ends and lay the outputs side by side.
        proj_size: R, the width of the projection, or 0 for none (R = H).
        device: where the parameters live.
        dtype: of the parameters.

    The other arguments are what torch does not have; see `elman.layers.parameters.Extras`.
    ``forget_bias`` is the bias of f, the forget gate.

    Source: Hochreiter & Schmidhuber 1997; forget gate, Gers et al. 2000; projection, Sak et
    al. 2014, arXiv:1402.1128.
    """

    kind = kernel.LSTM
    mode = "LSTM"
    forget_gate = 1
