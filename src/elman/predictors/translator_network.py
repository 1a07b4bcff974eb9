"""The network that a translation's settings ask for."""

from __future__ import annotations

from elman.layers.attention import ATTENTIONS
from elman.models.cells import cell_options, recurrent_layers
from elman.models.seq2seq import Seq2Seq, feature_size
from elman.tasks.translation.config import TranslationConfig


def network(config: TranslationConfig, source_vocab_size: int, target_vocab_size: int) -> Seq2Seq:
    """The network with fresh weights.

    Raises:
        InputError: a cell that can't be made, or sizes that do not fit together.
    """
    options, size = cell_options(config), config.encoder_size
    encoder = recurrent_layers(
        config.cell,
        config.embedding_size,
        [size] * config.encoder_layers,
        options,
        bidirectional=True,
    )
    fed = feature_size(config.tie, config.embedding_size, config.hidden_size)
    decoder = recurrent_layers(
        config.cell,
        config.embedding_size + (fed if config.input_feeding else 0),
        [config.hidden_size] * config.num_layers,
        options,
    )
    attention = ATTENTIONS[config.attention](config.hidden_size, 2 * size)
    return Seq2Seq(
        source_vocab_size,
        target_vocab_size,
        config.embedding_size,
        encoder,
        decoder,
        attention,
        memory_size=2 * size,
        hidden_size=config.hidden_size,
        tied=config.tie,
        input_feeding=config.input_feeding,
        dropout=config.dropout,
    )
