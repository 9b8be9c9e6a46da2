"""The content security policy: what is of this host alone, and nothing inline."""

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
    """Adds the policy to every answer that has none yet."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", policy(request))
        return response


def policy(request: HttpRequest) -> str:
    """Return the policy; the live stream is named, for browsers whose 'self' is HTTP alone."""
    host = request.META.get("HTTP_HOST", "")
    scheme = "wss" if request.is_secure() else "ws"
    sockets = f" {scheme}://{host}" if is_plain(host) else ""
    # Tools that drive a browser evaluate their own scripts in the page: in development they may.
    scripts = " 'unsafe-eval'" if settings.DEBUG else ""
    own = f"script-src 'self'{scripts}", f"connect-src 'self'{sockets}"
    return "; ".join([*POLICY, *own])


def is_plain(host: str) -> bool:
    """Tell whether `host` can stand in a header: it comes from the client."""
    return bool(host) and all(letter.isalnum() or letter in ".-:[]_" for letter in host)
