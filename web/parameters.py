"""Query parameters of the API: read, checked, or refused with what would be right."""

import base64
import binascii
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from rest_framework.exceptions import ValidationError

from market.timeframes import TIMEFRAMES
from market.times import from_microseconds, to_microseconds

MOST_ROWS: Final = 10_000


class Parameters:
    """The query of one request; an empty moment or cursor counts as not given."""

    def __init__(self, query: Mapping[str, str], allowed: tuple[str, ...]) -> None:
        if unknown := [name for name in query if name not in allowed]:
            right = f"there are: {', '.join(allowed)}" if allowed else "there are none"
            raise ValidationError(
                {name: [f"{name!r} is no parameter here; {right}"] for name in unknown}
            )
        self._query = query

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        text = self._query.get(name, default)
        if text not in choices:
            raise refused(name, f"{text!r} is not one of {', '.join(choices)}")
        return text

    def whole(self, name: str, smallest: int, largest: int, default: int) -> int:
        text = self._query.get(name, str(default))
        if not (re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) and smallest <= int(text) <= largest):
            raise refused(name, f"{text!r} is not a whole number from {smallest} to {largest}")
        return int(text)

    def limit(self, default: int = 500) -> int:
        """Return how many rows are wanted; only a default may be more than MOST_ROWS."""
        if "limit" not in self._query:
            return default
        return self.whole("limit", 1, MOST_ROWS, default)

    def timeframe_s(self) -> int:
        return TIMEFRAMES[self.choice("timeframe", tuple(TIMEFRAMES), "1m")]

    def span(self) -> tuple[int | None, int | None]:
        """Return start and end in microseconds, None where not given."""
        start, end = self._moment("start"), self._moment("end")
        if start is not None and end is not None and end < start:
            raise refused("end", f"{self._query['end']!r} is before start {self._query['start']!r}")
        return start, end

    def _moment(self, name: str) -> int | None:
        text = self._query.get(name)
        if not text:
            return None
        try:
            if re.fullmatch(r"-?[0-9]{1,15}", text, re.ASCII):
                return to_microseconds(from_microseconds(int(text) * 1_000))
            # The + of an offset arrives as a space where it was not encoded.
            parsed = datetime.fromisoformat(re.sub(r" (?=\d\d:\d\d$)(?<=:\d\d.)", "+", text))
            moment = parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)
            return to_microseconds(moment.astimezone(UTC))  # there is no year 0, nor 10000
        except (ValueError, OverflowError):
            raise refused(
                name,
                f"{text!r} is no time: use RFC 3339 such as 2026-01-31T09:30:00Z, or epoch "
                "milliseconds",
            ) from None

    def cursor(self, kind: str) -> int | None:
        """Return the key in a cursor of this kind of table; None where none is given."""
        text = self._query.get("cursor")
        if not text:
            return None
        try:
            padded = text + "=" * (-len(text) % 4)
            name, _, key = base64.b64decode(padded, b"-_", validate=True).decode().partition(":")
        except (binascii.Error, ValueError):
            name = key = ""
        if name != kind or not re.fullmatch(r"-?[0-9]{1,15}", key, re.ASCII):
            raise refused(
                "cursor", f"{text!r} is not from here: use next_cursor of the page before, as it is"
            )
        return int(key)


def cursor_text(kind: str, key: int | None) -> str | None:
    """Return the opaque cursor after `key`, None where there is nothing after it."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).rstrip(b"=").decode()


def refused(name: str, reason: str) -> ValidationError:
    return ValidationError({name: [reason]})
