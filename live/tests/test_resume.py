"""Clients that come and go without end, and everything being killed: each tick once, or told."""

import asyncio
import random
from itertools import islice

import pytest

from benchmarks.faults import SPEED, SYMBOLS, audit, faults, invite, torment
from rig.crowd import Crowd
from rig.stack import Stack
from rig.watchers import EventWatcher, SocketWatcher

pytestmark = pytest.mark.processes
DISCONNECTS = 200


def test_two_hundred_disconnects_under_load_lose_and_double_nothing(postgresql):
    async def come_and_go(stack, crowd):
        async with crowd.watching():
            async with asyncio.timeout(300):
                while sum(watcher.left for watcher in crowd.watchers) < DISCONNECTS:
                    await asyncio.sleep(0.05)
            return await crowd.prove(stack, 60)

    with Stack(SYMBOLS, speed=200, postgresql=postgresql) as stack:
        crowd = Crowd(SYMBOLS, random.Random(1))
        ports = [web.port for web in stack.webs]
        crowd.add(SocketWatcher, 12, ports, stay_s=0.3)
        crowd.add(EventWatcher, 4, ports, stay_s=0.6)
        complaints = asyncio.run(come_and_go(stack, crowd))
        log = stack.written()
    assert complaints == []
    assert sum(watcher.lost.total() for watcher in crowd.watchers) == 0
    assert "Traceback" not in log, log


def test_whatever_part_has_trouble_everyone_has_every_tick(postgresql):
    chance = random.Random(1)
    with Stack(SYMBOLS, SPEED, postgresql=postgresql) as stack:
        crowd = Crowd(SYMBOLS, chance)
        invite(crowd, [web.port for web in stack.webs], 2)
        each_part_once = islice(faults(list(stack.parts), chance), len(stack.parts))
        trial = asyncio.run(torment(stack, crowd, each_part_once))
        complaints = trial.complaints + audit(stack)
        log = stack.written()
    assert complaints == [], log
    assert {part for part, _ in trial.recoveries} == set(stack.parts)
