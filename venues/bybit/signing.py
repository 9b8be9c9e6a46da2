"""What clients of Bybit sign: hexadecimal HMAC-SHA256 over the bytes as sent. Pure."""

import hashlib
import hmac
from typing import Final

DEFAULT_WINDOW_MS: Final = 5_000
LARGEST_WINDOW_MS: Final = 60_000
AHEAD_MS: Final = 1_000
"""How far the clock of a client may be ahead."""


def signature(secret: str, text: bytes) -> str:
    return hmac.new(secret.encode(), text, hashlib.sha256).hexdigest()


def request_text(timestamp: str, key: str, window: str, sent: bytes) -> bytes:
    """Return what a request signs; `sent` is the raw query string of a GET, else the raw body.

    `timestamp` and `window` are the headers as received, "" for a missing window.
    """
    return f"{timestamp}{key}{window}".encode() + sent


def login_text(expires: str) -> bytes:
    """Return what the `auth` operation of a WebSocket signs; `expires` as received."""
    return f"GET/realtime{expires}".encode()


def is_in_window(now_ms: int, timestamp_ms: int, window_ms: int) -> bool:
    """Return whether a request was signed recently; both times are of the wall clock."""
    return now_ms - window_ms <= timestamp_ms < now_ms + AHEAD_MS
