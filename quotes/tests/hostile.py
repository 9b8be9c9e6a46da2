"""Hostile and nonsensical requests, from a fixed seed."""

from collections.abc import Iterator
from random import Random
from urllib.parse import quote

VALUES = (
    "", "0", "-1", "1e9", "NaN", "9" * 400, "-" * 50, "\0", "%00", "\r\nX: y", "\ud7ff\U0010ffff",
    "' OR 1=1 --", "1; DROP TABLE quotes_quote", "' UNION SELECT 1,2,3 --", '"', "\\", "%s",
    "%(a)s", "${7*7}", "{{7*7}}", "<script>a()</script>", "../../etc/passwd",
    "..%2f..%2fetc/passwd", "file:///etc/passwd", "=cmd|'/C calc'!A0", "a" * 3_000,
    "2026-13-45T99:99:99Z",
    "0001-01-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00",
    "9999-12-31T23:59:59+14:00", "9223372036854775808", "-9223372036854775809", "1.5",
    "0x10", "cXVvdGVzOjk5OTk5OTk5OTk5OTk5OTk5OQ", "Y2FuZGxlcy02MDotMQ", "arrow", "csv",
    "1m", "ES", "٣",
)  # fmt: skip
NAMES = (
    "start", "end", "since_seq", "limit", "cursor", "timeframe", "format", "symbol", "resolution",
    "from", "to", "countback", "query", "type", "exchange", "n", "m", "tau", "topics", "x\0", "",
)  # fmt: skip
PATHS = (
    "/api/v1/instruments/", "/api/v1/instruments/ES/", "/api/v1/instruments/ES/quotes/",
    "/api/v1/instruments/ES/candles/", "/api/v1/instruments/ES/regimes/", "/api/v1/indicators/",
    "/api/v1/indicators/persistence/ES/", "/api/v1/indicators/persistence/ES/series/",
    "/udf/config", "/udf/symbols", "/udf/search", "/udf/history", "/udf/marks",
    "/udf/timescale_marks", "/", "/instruments/ES/",
)  # fmt: skip


def hostile_requests(count: int) -> Iterator[tuple[str, str]]:
    """Yield `count` pairs of method and URL."""
    random = Random(7)
    for _ in range(count):
        path = random.choice(PATHS)
        if random.random() < 0.2:
            path = path.replace("ES", quote(random.choice(VALUES), safe=""))
        names = random.sample(NAMES, random.randint(0, 4))
        if path.startswith("/udf/") and random.random() < 0.7:
            names = ["symbol", "resolution", "from", "to", "countback"]
        asked = [f"{quote(name)}={quote(random.choice(VALUES))}" for name in names]
        method = random.choice(("GET", "GET", "GET", "GET", "HEAD", "POST", "OPTIONS", "TRACE"))
        yield method, f"{path}?{'&'.join(asked)}"
