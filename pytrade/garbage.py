"""Python's garbage collector: not while modules are loaded, and no long pauses in a web process.

A full collection stops all threads while it visits every container object. Imports and compiled
kernels leave more than 250,000 of them: 150 to 500 ms every few seconds under load, in which all
requests and streams wait. These objects live as long as the process, so they are frozen.
"""

import gc
from typing import Any, Final

FREEZES: Final = 5
"""Full collections after which survivors are frozen: more run only once start-up is over."""
YOUNG: Final = 10_000
"""New objects before the youngest are collected; a request leaves a few hundred."""


class Freezer:
    """Freezes what survives the first full collections."""

    def __init__(self, freezes: int = FREEZES) -> None:
        self.left = freezes

    def __call__(self, phase: str, info: dict[str, Any]) -> None:
        if phase == "stop" and info["generation"] == 2 and self.left:
            self.left -= 1
            gc.freeze()


def collect_rarely() -> None:
    """Call this before modules are loaded: they make many objects and hardly any garbage."""
    gc.set_threshold(YOUNG, *gc.get_threshold()[1:])


def settle() -> None:
    """Freeze what is loaded now, and what is loaded until start-up is over."""
    gc.callbacks.append(Freezer())
    gc.collect()
