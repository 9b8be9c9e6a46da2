"""Connections that this process closes: each is logged with its reason and counted."""

from typing import Any

import structlog

from live import metrics

logger = structlog.get_logger(__name__)


def note(reason: str, **details: Any) -> None:
    """Log and count a connection that this process closes."""
    metrics.CLOSES.labels(reason).inc()
    logger.info("connection closed by server", reason=reason, **details)
