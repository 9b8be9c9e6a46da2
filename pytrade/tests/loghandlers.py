"""Log handlers for tests."""

import io
import logging
from typing import Any

from pytrade.logs import logging_settings


def formatted_handler(log_format: str) -> logging.StreamHandler[io.StringIO]:
    """Return a handler that formats like production (console or json) into a string buffer."""
    configuration = logging_settings(log_format)["formatters"]["line"]
    factory: Any = configuration.pop("()")
    handler = logging.StreamHandler(io.StringIO())
    handler.setFormatter(factory(**configuration))
    return handler
