"""Which books are followed, while the cache that says so comes and goes."""

import pytest
from redis.exceptions import ConnectionError as RedisConnectionError

from exchange.depth.followed import Outage


def test_outage_of_the_cache_is_logged_when_it_begins_and_when_it_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage()

    def refuse() -> int:
        raise RedisConnectionError("connection refused")

    assert outage.reached(lambda: 1) == 1
    assert [outage.reached(refuse) for _ in range(3)] == [None] * 3
    assert [outage.reached(lambda: 2) for _ in range(3)] == [2] * 3
    assert outage.reached(refuse) is None
    found = [record.getMessage() for record in caplog.records]
    texts = ["unavailable" if "unavailable" in text else "again" for text in found]
    assert texts == ["unavailable", "again", "unavailable"]
