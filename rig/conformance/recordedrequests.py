"""Recorded requests, the codes that may answer them, and their prices at another market price.

A file has a line `= CODES: REASON` before the requests that it concerns; a request is
`GET PATH?QUERY` or `POST PATH BODY`. Pure.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

RECORDED_AT: Final = 65_000
"""The price of BTCUSDT to which the prices of requests belong."""
TICK: Final = Decimal("0.1")
PRICE: Final = re.compile(
    r'("(?:price|triggerPrice|stopLoss|takeProfit|slLimitPrice|tpLimitPrice)":")([0-9.]+)"'
)


@dataclass(frozen=True)
class Recorded:
    """A request; `codes` may answer it, and `reason` is why where that is an error."""

    codes: frozenset[int]
    reason: str
    method: str
    path: str
    query: str
    body: str

    @property
    def line(self) -> str:
        return f"{self.method} {self.path}{self.query and f'?{self.query}'} {self.body}".strip()


def requests_of(text: str) -> Iterator[Recorded]:
    """Yield the requests in a file."""
    codes, reason = frozenset[int](), ""
    for line in text.splitlines():
        if line.startswith("= "):
            numbers, _, reason = line.removeprefix("= ").partition(":")
            codes = frozenset(map(int, numbers.split()))
        elif line and not line.startswith("#"):
            method, target, *body = line.split(" ", 2)
            path, _, query = target.partition("?")
            yield Recorded(codes, reason.strip(), method, path, query, "".join(body))


def moved(body: str, price: float) -> str:
    """Return a body with its prices as far from `price` as they were from RECORDED_AT."""
    factor = Decimal(str(price)) / RECORDED_AT

    def scaled(found: re.Match[str]) -> str:
        value = (Decimal(found[2]) * factor).quantize(TICK)
        return f'{found[1]}{value}"'

    return PRICE.sub(scaled, body)
