"""Signatures of requests with an API secret: hexadecimal HMAC-SHA256. Pure."""

import hashlib
import hmac


def signature(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def request_text(timestamp: str, method: str, target: str, body: bytes) -> bytes:
    """Return what a client signs of an HTTP request; `target` is path?query as sent."""
    return f"{timestamp}{method}{target}".encode() + body


def stream_text(expires_ms: int) -> bytes:
    """Return what a client signs to authenticate on the stream."""
    return f"GET/realtime{expires_ms}".encode()


def equal(expected: str, given: str) -> bool:
    """Compare in a time that says nothing about where they differ."""
    return hmac.compare_digest(expected.encode(), given.encode())
