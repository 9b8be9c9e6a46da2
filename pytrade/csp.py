"""Content security policy: same-origin resources only, no inline code."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse

POLICY = (
    "default-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "object-src 'none'",
    "base-uri 'none'",
    "form-action 'self'",
    "frame-ancestors 'none'",
)


class ContentSecurityPolicyMiddleware:
    """Adds the policy to every response that has none."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        return response


def policy(request: HttpRequest) -> str:
    """Return the policy; it names the WebSocket origin for browsers where 'self' excludes it."""
    host = request.META.get("HTTP_HOST", "")
    scheme = "wss" if request.is_secure() else "ws"
    sockets = f" {scheme}://{host}" if is_plain(host) else ""
    # Browser automation evaluates its own scripts in the page; allowed only in development.
    scripts = " 'unsafe-eval'" if settings.DEBUG else ""
    own = f"script-src 'self'{scripts}", f"connect-src 'self'{sockets}"
    return "; ".join([*POLICY, *own])


def is_plain(host: str) -> bool:
    """Tell whether `host`, sent by the client, is safe to put into a header."""
    return bool(host) and all(letter.isalnum() or letter in ".-:[]_" for letter in host)
