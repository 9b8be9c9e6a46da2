"""Compiled functions whose compiler is loaded when the first of them is called. Pure.

Importing Numba takes most of the time in which a process starts, and most processes call no kernel.
So a decorated function becomes a `Deferred`; its first call makes the compiled function, and those
of all helpers that it names.
"""

import importlib
import threading
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from types import FunctionType
from typing import Any, Final, TypeVar, cast

from market.leanimports import without

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

_resolving: Final = threading.RLock()


class Deferred:
    """What `make` returns, made once and when it is first needed; calls and attributes are its."""

    def __init__(self, make: Callable[[], Any], function: FunctionType | None = None) -> None:
        self._make = make
        self._function = function
        if function is not None:
            update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        return self.resolved(*arguments)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(self.resolved, name)

    @cached_property
    def resolved(self) -> Any:
        with _resolving:
            if "resolved" in vars(self):  # by another thread
                return vars(self)["resolved"]
            if self._function is not None:
                resolve_names(self._function)
            return self._make()


def resolve_names(function: FunctionType) -> None:
    """Replace what a function names by what it stands for, because compilers look there."""
    for name in function.__code__.co_names:
        if isinstance(used := function.__globals__.get(name), Deferred):
            function.__globals__[name] = used.resolved


def njit(**options: Any) -> Callable[[Compiled], Compiled]:
    """Compile a function as `numba.njit` does, at its first call."""

    def decorate(function: Compiled) -> Compiled:
        plain = cast("FunctionType", function)
        return cast("Compiled", Deferred(lambda: _numba().njit(**options)(plain), plain))

    return decorate


def intrinsic(function: Callable[..., Any]) -> Any:
    """Make a `numba.extending.intrinsic` when a kernel that names it is compiled."""
    return Deferred(lambda: importlib.import_module("numba.extending").intrinsic(function))


@cache
def _numba() -> Any:
    """Import Numba without packages that it would load, but that no kernel uses."""
    with without("cffi", "scipy", "yaml"):
        for name in ("numba.np.arraymath", "numba.core.typing.cffi_utils"):
            importlib.import_module(name)
        return importlib.import_module("numba")
