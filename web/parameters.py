"""Query parameters of the API, parsed and validated."""

import base64
import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final

from rest_framework.exceptions import ValidationError

from market.integers import parse_integer
from market.quoting import quoted
from market.timeframes import TIMEFRAMES
from market.times import parse_bound

MOST_ROWS: Final = 10_000
ALL: Final = "all"
"""As a limit: as many rows as the format allows."""
LARGEST_KEY: Final = 10**15 - 1


class Parameters:
    """The query of one request; an empty moment or cursor counts as absent."""

    def __init__(self, query: Mapping[str, str], allowed: tuple[str, ...]) -> None:
        if unknown := [name for name in query if name not in allowed]:
            right = f"there are: {', '.join(allowed)}" if allowed else "there are none"
            raise ValidationError(
                {name: [f"{name!r} is not a parameter here; {right}"] for name in unknown}
            )
        self._query = query

    def choice(self, name: str, choices: tuple[str, ...], default: str) -> str:
        text = self._query.get(name, default)
        if text not in choices:
            raise refused(name, f"{text!r} is not one of {', '.join(choices)}")
        return text

    def whole(self, name: str, smallest: int, largest: int, default: int) -> int:
        text = self._query.get(name, str(default))
        try:
            return parse_integer(text, smallest, largest)
        except ValueError as error:
            raise refused(name, str(error)) from None

    def limit(self, default: int = 500) -> int:
        """Return how many rows a page may have."""
        if self._query.get("limit") == ALL:
            return MOST_ROWS
        return self.whole("limit", 1, MOST_ROWS, default)

    @property
    def is_export(self) -> bool:
        """Whether all rows are wanted at once: arrow by default, csv on request."""
        wanted = self._query.get("format", "json")
        default = ALL if wanted == "arrow" else ""
        return wanted != "json" and self._query.get("limit", default) == ALL

    def timeframe_s(self) -> int:
        return TIMEFRAMES[self.choice("timeframe", tuple(TIMEFRAMES), "1m")]

    def span(self) -> tuple[int | None, int | None]:
        """Return start and end in microseconds, None where not given."""
        start, end = self.moment("start"), self.moment("end")
        if start is not None and end is not None and end < start:
            raise refused("end", f"{self._query['end']!r} is before start {self._query['start']!r}")
        return start, end

    def moment(self, name: str) -> int | None:
        """Return a time in microseconds since 1970 UTC, None where it is not given."""
        text = self._query.get(name)
        if not text:
            return None
        try:
            # The + of an offset arrives as a space where it was not encoded.
            return parse_bound(re.sub(r" (?=\d\d:\d\d$)(?<=:\d\d.)", "+", text))
        except ValueError as error:
            raise refused(name, str(error)) from None

    def cursor(self, kind: str) -> int | None:
        """Return the key in a cursor of this kind of table; None where none is given."""
        text = self._query.get("cursor")
        if not text:
            return None
        with suppress(ValueError):
            padded = text + "=" * (-len(text) % 4)
            name, _, key = base64.b64decode(padded, b"-_", validate=True).decode().partition(":")
            if name == kind:
                return parse_integer(key, -LARGEST_KEY, LARGEST_KEY)
        raise refused(
            "cursor",
            f"{quoted(text)} is not a cursor of this table: use next_cursor of the page before, "
            "unchanged",
        )


def cursor_text(kind: str, key: int | None) -> str | None:
    """Return the opaque cursor after `key`, None where there is nothing after it."""
    if key is None:
        return None
    return base64.urlsafe_b64encode(f"{kind}:{key}".encode()).rstrip(b"=").decode()


def refused(name: str, reason: str) -> ValidationError:
    return ValidationError({name: [reason]})
