"""Redis is killed, stopped and suspended under a live market: clients see only delays."""

import asyncio
import json
import random

import pytest
from websockets.asyncio.client import connect

from rig.crowd import Crowd
from rig.stack import Stack
from rig.watchers import EventWatcher, SocketWatcher

pytestmark = pytest.mark.processes
TROUBLES = {"kill": ("kill", "start"), "stop": ("stop", "start"), "hang": ("pause", "resume")}


@pytest.fixture(scope="module")
def full_stack(spare_postgresql):
    with Stack(["YM"], speed=20, postgresql=spare_postgresql) as stack:
        yield stack
        log = stack.written()
    assert "Traceback" not in log, log


@pytest.fixture
def stack(full_stack):
    """The stack, its simulation running."""
    if not full_stack.simulation.is_alive:
        full_stack.simulation.start()
    return full_stack


async def hear_state(socket, state):
    async with asyncio.timeout(60):
        while json.loads(await socket.recv()).get("state") != state:
            pass


async def grow(stack, ticks):
    """Wait until this many more ticks are recorded."""
    last = len(stack.history("YM")) + ticks
    async with asyncio.timeout(60):
        while len(stack.history("YM")) < last:
            await asyncio.sleep(0.05)
    return last


async def suffer(stack, crowd, begin, end):
    url = f"ws://127.0.0.1:{stack.webs[0].port}/ws/v1/stream"
    follow_status = json.dumps({"op": "subscribe", "args": ["status.YM"]})
    async with crowd.watching(), connect(url) as socket:
        await socket.send(follow_status)
        await crowd.reach_more(20, 60)
        getattr(stack.redis, begin)()
        await hear_state(socket, "stale")
        async with connect(url) as newcomer:
            await newcomer.send(follow_status)
            await newcomer.recv()
            assert json.loads(await newcomer.recv())["state"] == "stale"
        last = await grow(stack, 20)
        late = Crowd(["YM"], random.Random(3))
        late.add(SocketWatcher, 1, [stack.webs[0].port])
        async with late.watching():  # new clients are served from the database
            await late.reach({"YM": last}, 60)
        getattr(stack.redis, end)()
        await hear_state(socket, "live")
        await crowd.reach_more(20, 60)
        return await crowd.prove(stack)


@pytest.mark.parametrize("trouble", TROUBLES)
def test_recording_continues_and_nothing_is_lost(stack, trouble):
    crowd = Crowd(["YM"], random.Random(1))
    for web in stack.webs:
        crowd.add(SocketWatcher, 3, [web.port])
        crowd.add(EventWatcher, 1, [web.port])
    assert asyncio.run(suffer(stack, crowd, *TROUBLES[trouble])) == []


def test_last_ticks_arrive_although_redis_never_received_them(stack):
    async def end(crowd):
        async with crowd.watching():
            await crowd.reach_more(20, 60)
            stack.redis.kill()
            await grow(stack, 20)
            stack.simulation.stop()
            stack.redis.start()
            return await crowd.prove(stack)

    crowd = Crowd(["YM"], random.Random(2))
    crowd.add(SocketWatcher, 3, [web.port for web in stack.webs])
    assert asyncio.run(end(crowd)) == []
