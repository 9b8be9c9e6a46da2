"""Connections that this process ends: each is logged with its reason and counted."""

from typing import Any

import structlog

from live import metrics

logger = structlog.get_logger(__name__)


def note(reason: str, **details: Any) -> None:
    """Log and count a connection that we end."""
    metrics.CLOSES.labels(reason).inc()
    logger.info("connection closed by server", reason=reason, **details)


def abort(send: Any) -> None:
    """Cut the connection of an ASGI `send` at once, whatever is still unsent.

    Closing waits until everything unsent is read: a reader that stalls would stay forever.
    """
    transport = getattr(getattr(send, "__self__", None), "transport", None)  # uvicorn
    if transport is not None:
        transport.abort()
        return
    protocol = next(iter(getattr(send, "args", ())), None)  # daphne: a partial of its protocol
    if protocol is not None and protocol.transport is not None:
        protocol.transport.abortConnection()
