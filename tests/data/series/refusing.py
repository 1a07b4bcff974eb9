"""That a table is refused, and in which words."""

import pytest

from elman.data.series.columns import Columns
from elman.data.series.dataset import read_panel
from elman.errors import InputError


def refused(source, *parts, **columns):
    with pytest.raises(InputError) as error:
        read_panel(source, Columns(**columns))
    message = str(error.value)
    assert "\n" not in message
    for part in parts:
        assert part in message, message
