"""Access logs without query strings, which may contain tokens."""

import logging
from typing import Any

from pytrade.redaction import without_query

OF_UVICORN = ("uvicorn.access", "uvicorn.error")
"""uvicorn logs requests to the first logger and WebSocket handshakes to the second."""


def cut_queries(record: logging.LogRecord) -> bool:
    """Remove the query string from each path in the arguments of `record`."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            without_query(value) if isinstance(value, str) and value.startswith("/") else value
            for value in record.args
        )
    return True


def hide_queries_of_uvicorn() -> None:
    """Remove query strings from the access log; idempotent."""
    for name in OF_UVICORN:
        logging.getLogger(name).addFilter(cut_queries)


def hide_queries_of_daphne() -> None:
    """Remove query strings from the access log; idempotent."""
    from daphne.access import AccessLogGenerator  # loaded by processes that daphne serves

    write_entry = AccessLogGenerator.write_entry
    if getattr(write_entry, "hides_queries", False):
        return

    def write(self: Any, host: Any, date: Any, request: str, *rest: Any, **named: Any) -> None:
        write_entry(self, host, date, without_query(request), *rest, **named)

    write.hides_queries = True  # type: ignore[attr-defined]  # for the check above
    AccessLogGenerator.write_entry = write
