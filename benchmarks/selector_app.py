"""The WSGI application served by all servers of benchmarks/selector.py."""

from collections.abc import Callable
from typing import Any

BODY = b"x" * 20_000


def app(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(BODY)))])
    return [BODY]
