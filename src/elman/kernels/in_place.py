"""Notices that a user has changed an output in place, such as by ``y += 1``.

torch's layers save nothing that a user can reach, so such a change is allowed there. Ours save
their outputs for the backward pass. They save them through an alias, and compute them again where
the output has been changed since.
"""

from __future__ import annotations

import torch
from torch import Tensor

_NO_MEMORY = torch.empty(0)


class Version:
    """The version of a tensor at the time of construction; holds none of its memory."""

    def __init__(self, tensor: Tensor) -> None:
        # A detached tensor shares the counter of versions, also after it lets go of the memory.
        self._probe = tensor.detach()
        self._probe.data = _NO_MEMORY
        self._then = self._probe._version

    @property
    def is_changed(self) -> bool:
        """Whether the tensor has been changed in place since."""
        return self._probe._version != self._then
