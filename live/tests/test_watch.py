import asyncio
from types import SimpleNamespace

import pytest

from live import watch
from rig.histories import make_instrument, make_ticks, record


@pytest.mark.django_db(transaction=True)
def test_the_end_of_a_history_that_no_frame_told_is_told(monkeypatch):
    monkeypatch.setattr(watch, "BEAT_S", 0)
    record(make_ticks(make_instrument("BRK.B"), 7))

    async def first_told():
        told = asyncio.Queue()
        membership = SimpleNamespace(is_away=False, check=lambda: asyncio.sleep(0))
        looking = watch.Watch(membership, {"quotes.BRK.B": None}, told.put_nowait)
        task = asyncio.create_task(looking.run())
        try:
            return await asyncio.wait_for(told.get(), 10)
        finally:
            task.cancel()

    told = asyncio.run(first_told())
    assert (told["topic"], told["text"], told["last_seq"]) == ("quotes.BRK.B", "", 7)
