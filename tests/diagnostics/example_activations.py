"""Activations made by hand, as long and as hostile as a test wants them."""

import numpy as np

from elman.diagnostics.activations import BY_CHANGE, Activations, Expected, Panel, Step

HOSTILE = [
    "</script><script>alert(1)</script>",
    "</script x <!--<script x",
    '"><img src=x onerror=alert(1)>',
    "&lt;b&gt; {{data}} {{title}}",
    "\u2028\u202e\x1b[31m\x07",
    "\ud800",
    "'\\\n",
]


def example(
    labels: list[str], units: int = 6, title: str = "a title", is_text: bool = True
) -> Activations:
    """A layer with a state and a gate, random and the same each time."""
    generator = np.random.default_rng(0)
    shape = (len(labels), units)
    state = generator.uniform(-2, 2, shape).astype(np.float32)
    gate = generator.uniform(0, 1, shape).astype(np.float32)
    order = {BY_CHANGE: np.arange(units)[::-1]}
    tau = np.arange(units, dtype=np.float32)
    tau[0] = np.inf
    return Activations(
        title,
        [
            Step(label, None if t == 0 else t / 2, (Expected(label, 0.5), Expected("b", 0.25)))
            for t, label in enumerate(labels)
        ],
        [
            Panel("layer 0", "h", state, -2.0, 2.0, order, tau),
            Panel("layer 0", "forget", gate, 0.0, 1.0, order, tau),
        ],
        (Expected(labels[0], 1.0),),
        is_text=is_text,
    )
