"""Imports that skip what a package would load only because it is installed. Pure."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def without(*packages: str) -> Iterator[None]:
    """Let the imports of these packages fail within the block, unless they are loaded already."""
    modules: dict[str, object] = sys.modules  # type: ignore[assignment]  # None: not importable
    missing = [name for name in packages if name not in modules]
    modules.update(dict.fromkeys(missing))
    try:
        yield
    finally:
        for name in missing:
            del modules[name]
