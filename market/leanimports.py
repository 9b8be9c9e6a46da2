"""Imports that skip what a package would load only because it is installed. Pure."""

import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.abc import MetaPathFinder


class Refusal(MetaPathFinder):
    """Fails the import of some modules, but only in the thread that made it."""

    def __init__(self, names: tuple[str, ...]) -> None:
        self._names = names
        self._thread = threading.get_ident()

    def find_spec(self, fullname: str, *_: object) -> None:
        if fullname in self._names and threading.get_ident() == self._thread:
            raise ModuleNotFoundError(f"{fullname} is not wanted here", name=fullname)


@contextmanager
def without(*names: str) -> Iterator[None]:
    """Let imports of these modules fail within the block, unless they are loaded already."""
    refusal = Refusal(names)
    sys.meta_path.insert(0, refusal)
    try:
        yield
    finally:
        sys.meta_path.remove(refusal)
