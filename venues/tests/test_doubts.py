"""Orders without an answer: looked for until none can arrive any more, placed by one at a time."""

import asyncio

import pytest

from venues import doubts as module
from venues.doubts import Doubts

LONG_S = 3_600.0


@pytest.fixture(autouse=True)
def short_polls(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_POLL_S", 0.001)


async def test_order_is_placed_by_one_at_a_time() -> None:
    doubts = Doubts(0.0)
    inside, most = 0, 0

    async def place(times: int) -> None:
        nonlocal inside, most
        for _ in range(times):
            async with doubts.alone("a"):
                inside += 1
                most = max(most, inside)
                for _ in range(3):
                    await asyncio.sleep(0)
                inside -= 1

    await asyncio.gather(place(2), place(1), place(1))
    assert most == 1
    assert not doubts._placing


async def test_sent_order_is_awaited_until_it_shows() -> None:
    doubts, shown = Doubts(0.0), [None, None, "order"]

    async def look() -> str | None:
        return shown.pop(0)

    doubts.sent("a", LONG_S)
    assert "a" in doubts
    assert await doubts.settled("a", look) == "order"
    assert "a" not in doubts
    assert shown == []


async def test_order_of_an_earlier_process_is_awaited_too() -> None:
    shown = [None, "order"]

    async def look() -> str | None:
        return shown.pop(0)

    assert await Doubts(LONG_S).settled("a", look) == "order"


async def test_order_that_was_never_sent_is_looked_for_once() -> None:
    looked = 0

    async def look() -> str | None:
        nonlocal looked
        looked += 1
        return None

    assert await Doubts(0.0).settled("a", look) is None
    assert looked == 1
