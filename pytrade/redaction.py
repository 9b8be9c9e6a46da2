"""Remove query strings from access logs and secret parameters from all logs."""

import re

QUERY = re.compile(r"\?[^\s\"']*")
SECRET = re.compile(
    r"([?&;][\w.%-]*(?:token|key|sig|secret|passw|session)[\w.%-]*=)[^&;\s\"'<>)\]\\\x1b]*", re.I
)


def without_query(text: str) -> str:
    """Remove query strings from `text`: `GET /a?b=c 200` becomes `GET /a 200`."""
    return QUERY.sub("", text)


def without_secrets(text: str) -> str:
    """Replace the values of secret parameters: `?token=[redacted]&limit=5`."""
    return SECRET.sub(r"\1[redacted]", text)
