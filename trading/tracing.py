"""Trace ids: one per intention, from the request or signal to the venue's answer.

They are bound to the log context, so that every line on the way carries them.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from structlog.contextvars import bound_contextvars, get_contextvars

NAME: Final = "trace"


def trace_id() -> str:
    """Return the trace id of the present context, a new one if it has none."""
    known = get_contextvars().get(NAME)
    return str(known) if known else secrets.token_hex(16)


@contextmanager
def traced(known: str = "") -> Iterator[str]:
    """Carry a trace id, by default the present or a new one, through a block."""
    found = known or trace_id()
    with bound_contextvars(**{NAME: found}):
        yield found
