"""Decorators of compiled functions.

Numba discards a cached kernel when the file of the kernel changes. It does not notice a change of
a helper in another file, which is compiled into the kernel. `kernel` does: its cache depends on
the text of every file the kernel uses.
"""

from collections.abc import Callable, Iterator
from hashlib import sha256
from importlib import import_module
from pathlib import Path
from types import FunctionType
from typing import Any, TypeVar, cast

import numpy as np

from market.compiling import Deferred, njit

Compiled = TypeVar("Compiled", bound=Callable[..., Any])

NUMBERS = "numba.cpython.unsafe.numbers"
leading_zeros: Any = Deferred(lambda: import_module(NUMBERS).leading_zeros)
trailing_zeros: Any = Deferred(lambda: import_module(NUMBERS).trailing_zeros)
signed: Any = np.int64
"""Mixed with a signed number, an unsigned one would make a float."""


_OPTIONS: Any = {"_nrt": False}
"""Count no references of arrays, which took three quarters of the time of the matching engine."""
_NO_WRAPPERS: Any = _OPTIONS | {"no_cpython_wrapper": True, "no_cfunc_wrapper": True}


def inlined(function: Compiled) -> Compiled:
    """Compile a helper into each kernel that calls it; Python cannot call it."""
    return njit(forceinline=True, **_NO_WRAPPERS)(function)


def routine(function: Compiled) -> Compiled:
    """Compile a function that kernels call; Python cannot call it."""
    return njit(**_NO_WRAPPERS)(function)


def kernel(function: Compiled) -> Compiled:
    """Compile a function that Python calls; it releases the GIL and is cached on disk.

    Neither kernels nor what they call can create or return arrays: Python passes the arrays.
    """
    plain = cast("FunctionType", function)
    return cast("Compiled", Deferred(lambda: _cached(plain), plain))


def _cached(function: FunctionType) -> Any:
    """Return the compiled function, whose cache is that of the text of all files it uses."""
    compiled = import_module("numba").njit(cache=True, nogil=True, **_OPTIONS)(function)
    files = sorted({__file__, *_files(function, set())})
    stamp = sha256(b"".join(Path(file).read_bytes() for file in files)).hexdigest()
    cache = compiled._cache._cache_file
    cache._source_stamp = stamp
    # Compared before the types of arguments are loaded, which may have been moved or renamed.
    cache._version = f"{cache._version} {stamp}"
    return compiled


def _files(function: FunctionType, seen: set[FunctionType]) -> Iterator[str]:
    """Yield the file of a function and those of all compiled functions it names."""
    seen.add(function)
    yield function.__code__.co_filename
    for name in function.__code__.co_names:
        used = getattr(function.__globals__.get(name), "py_func", None)
        if used is not None and used not in seen:
            yield from _files(used, seen)
