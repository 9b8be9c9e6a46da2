"""Two web processes, Redis and a recorder: both deliver everything, and Redis carries it once."""

import asyncio
import json
import random
import re
import threading

import pytest
import redis

from rig.crowd import Crowd
from rig.stack import Stack
from rig.watchers import EventWatcher, SocketWatcher

pytestmark = pytest.mark.processes
SYMBOLS = ["YM", "NQ"]
DATA = re.compile(r'\\*"data\\*":(\[\[.*?\]\])')


class Tap:
    """The last seq of each frame of `topic` that is published through Redis."""

    def __init__(self, url, topic):
        self.seqs = []
        self._client = redis.Redis.from_url(url)
        self._group = f"__group__{topic} "
        self._monitor = self._client.monitor()

    def __enter__(self):
        self._monitor.__enter__()
        self._thread = threading.Thread(target=self._listen)
        self._thread.start()
        return self

    def _listen(self):
        while (command := self._monitor.next_command()["command"]) != "ECHO done":
            if command.startswith("PUBLISH") and self._group in command:
                self.seqs.append(json.loads(DATA.search(command)[1])[-1][0])

    def __exit__(self, *exception):
        self._client.echo("done")
        self._thread.join(10)
        self._monitor.__exit__(*exception)
        self._client.close()


def test_both_deliver_each_tick_once_and_redis_carries_each_frame_once(postgresql):
    async def watch(stack, crowd):
        async with crowd.watching():
            await crowd.reach_more(1, 60)
            with redis.Redis.from_url(stack.redis.url) as client:
                processes = client.pubsub_numsub("pytrade__group__quotes.YM")[0][1]
            with Tap(stack.redis.url, "quotes.YM") as tap:
                await crowd.reach_more(60, 60)
            complaints = await crowd.prove(stack)
        return processes, tap.seqs, complaints

    with Stack(SYMBOLS, speed=20, postgresql=postgresql) as stack:
        crowd = Crowd(SYMBOLS, random.Random(1))
        for web in stack.webs:
            crowd.add(SocketWatcher, 6, [web.port])
            crowd.add(EventWatcher, 2, [web.port])
        processes, published, complaints = asyncio.run(watch(stack, crowd))
    assert complaints == []
    assert processes == len(stack.webs)
    assert published == list(dict.fromkeys(published))
    assert len(published) >= 10
