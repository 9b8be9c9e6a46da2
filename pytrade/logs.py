"""Logging: one line per event, for people (`console`) or for machines (`json`)."""

import sys
from typing import Any

import structlog
from django.core.exceptions import ImproperlyConfigured

from pytrade.redaction import without_secrets

RENDERERS = ("console", "json")
SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def redact(_logger: Any, _method: str, line: str) -> str:
    """Hide the values of secret parameters: the last processor, which sees the whole line."""
    return without_secrets(line)


def logging_settings(log_format: str) -> dict[str, Any]:
    """Configure structlog and return Django's LOGGING for `log_format` (console or json)."""
    if log_format not in RENDERERS:
        raise ImproperlyConfigured(f"LOG_FORMAT {log_format!r} is unknown: use console or json")
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *SHARED_PROCESSORS,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    # Tracebacks without the values of local variables: those may be secrets.
    transformer = structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
    tail: list[Any] = (
        [structlog.processors.ExceptionRenderer(transformer), structlog.processors.JSONRenderer()]
        if log_format == "json"
        else [
            structlog.dev.ConsoleRenderer(
                colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
            )
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *tail,
                    redact,
                ],
                "foreign_pre_chain": SHARED_PROCESSORS,
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            "django": {"handlers": [], "level": "INFO"},  # its own would write each line twice
            "daphne": {"level": "WARNING"},
            "uvicorn": {"level": "WARNING"},
            # Every second of an outage with a traceback; live.membership tells it once.
            "channels_redis.pubsub": {"level": "CRITICAL"},
            # Answered with 400; anyone can send any Host header any number of times.
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
            "django.server": {"level": "WARNING", "propagate": True, "handlers": []},
        },
    }
