"""The recurrent neural network: trained, understood and streamed on a CPU."""

from elman.errors import ElmanError as ElmanError
from elman.errors import InputError as InputError
from elman.errors import RunFailed as RunFailed
from elman.kernels.choose import use_backend as use_backend
from elman.layers.cell import GRUCell as GRUCell
from elman.layers.cell import LSTMCell as LSTMCell
from elman.layers.cell import RNNCell as RNNCell
from elman.layers.convert import convert as convert
from elman.layers.gru import GRU as GRU
from elman.layers.lstm import LSTM as LSTM
from elman.layers.recurrent import Recurrent as Recurrent
from elman.layers.rnn import RNN as RNN
from elman.layers.stack import explain as explain
from elman.layers.state import State as State
