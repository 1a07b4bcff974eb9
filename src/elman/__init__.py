"""The recurrent neural network: trained, understood and streamed on a CPU.

The public names stand in ``__init__.pyi``. They are imported when first used, so that the command
line can show its help without waiting for torch.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
