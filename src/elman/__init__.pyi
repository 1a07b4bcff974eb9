"""The public names, said once: the package imports each when it is first asked for."""

from . import diagnostics as diagnostics
from .diagnostics.diagnosis import diagnose as diagnose
from .errors import ElmanError as ElmanError
from .errors import InputError as InputError
from .errors import RunFailed as RunFailed
from .kernels.choose import use_backend as use_backend
from .layers.cell import GRUCell as GRUCell
from .layers.cell import LSTMCell as LSTMCell
from .layers.cell import RNNCell as RNNCell
from .layers.convert import convert as convert
from .layers.gru import GRU as GRU
from .layers.lstm import LSTM as LSTM
from .layers.recurrent import Recurrent as Recurrent
from .layers.rnn import RNN as RNN
from .layers.stack import explain as explain
from .layers.state import State as State
from .predictors.predictor import Predictor as Predictor
from .predictors.predictor import Records as Records
from .predictors.predictor import load as load
from .streaming.session import Session as Session
from .streaming.session import Snapshot as Snapshot
from .streaming.stream import Stream as Stream
from .tasks.runs import Run as Run
from .tasks.runs import resume as resume
from .tasks.runs import stream as stream
from .tasks.runs import train as train
