"""Remove query strings from access logs and secret parameters from all logs."""

import re

QUERY = re.compile(r"\?[^\s\"']*")
SECRET = re.compile(
    r"([?&;][\w.%-]*(?:token|key|sig|secret|passw|session)[\w.%-]*=)[^&;\s\"'<>)\]\\\x1b]*", re.I
)
TOKEN = re.compile(r"(/(?:venues/deribit/(?:connections/)?|api/v1/market/))[\w-]{20,}")
"""Addresses of the gateway's connections hold a token."""


def without_query(text: str) -> str:
    """Remove query strings from `text`: `GET /a?b=c 200` becomes `GET /a 200`.

    Tokens in addresses of the gateway are replaced as by `without_secrets`.
    """
    return TOKEN.sub(r"\1[redacted]", QUERY.sub("", text))


def without_secrets(text: str) -> str:
    """Replace the values of secret parameters: `?token=[redacted]&limit=5`."""
    return TOKEN.sub(r"\1[redacted]", SECRET.sub(r"\1[redacted]", text))
