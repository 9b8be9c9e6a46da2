"""Access logs without query strings, which may contain tokens."""

import logging
from typing import Any

from daphne.access import AccessLogGenerator

from pytrade.redaction import without_query

OF_UVICORN = ("uvicorn.access", "uvicorn.error")
"""uvicorn logs requests to the first logger and WebSocket handshakes to the second."""

write_entry = AccessLogGenerator.write_entry


def write_entry_without_query(
    self: AccessLogGenerator, host: Any, date: Any, request: str, *rest: Any, **named: Any
) -> None:
    write_entry(self, host, date, without_query(request), *rest, **named)


def cut_queries(record: logging.LogRecord) -> bool:
    """Remove the query string from each path in the arguments of `record`."""
    if isinstance(record.args, tuple):
        record.args = tuple(
            without_query(value) if isinstance(value, str) and value.startswith("/") else value
            for value in record.args
        )
    return True


def hide_queries() -> None:
    """Remove query strings from the access logs of daphne and uvicorn; idempotent."""
    AccessLogGenerator.write_entry = write_entry_without_query
    for name in OF_UVICORN:
        logging.getLogger(name).addFilter(cut_queries)
