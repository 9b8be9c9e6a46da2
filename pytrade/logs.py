"""Logging: one line per event, for people (`console`) or for machines (`json`)."""

import sys
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from market.leanimports import without
from pytrade.redaction import without_secrets

# structlog would load them for parts that we do not use: a seventh of the start of a command.
with without("rich", "twisted"):
    import structlog

RENDERERS = ("console", "json")
SHARED_PROCESSORS: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]


def redact(_logger: Any, _method: str, line: str) -> str:
    """Redact the values of secret parameters; must be the last processor, on the complete line."""
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
    # Tracebacks without local variables, which may hold secrets.
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
            "django": {
                "handlers": [],
                "level": "INFO",
            },  # its handlers would duplicate lines
            "axes": {"level": "WARNING"},
            "daphne": {"level": "WARNING"},
            # Logs a traceback every second of an outage; live.membership logs it once.
            "channels_redis.pubsub": {"level": "CRITICAL"},
            # Answered with 400. Any client can send any Host header, so do not log it.
            "django.security.DisallowedHost": {"handlers": [], "propagate": False},
            "django.server": {"level": "WARNING", "propagate": True, "handlers": []},
        },
    }
