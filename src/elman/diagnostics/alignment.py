"""Where the attention of a translation model was as it wrote each piece.

Legend: S source pieces, T pieces of the translation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True)
class Alignment:
    """The attention on each piece of the source, for each piece of the translation.

    Attributes:
        source: S pieces, the end last.
        translation: T pieces, the end last.
        weights: (T, S), each row summing to 1.
    """

    source: tuple[str, ...]
    translation: tuple[str, ...]
    weights: npt.NDArray[np.float32]

    def nearest(self, place: int) -> str:
        """The piece of the source, except its end, with most attention at `translation[place]`."""
        row = self.weights[place, :-1]
        return self.source[int(row.argmax())] if len(row) else ""
