"""Reconnecting clients and failing services: each client receives each tick once or a gap frame."""

import asyncio
import random
from itertools import islice

import pytest

from rig.crowd import Crowd
from rig.faults import SPEED, SYMBOLS, audit, faults, invite, torment
from rig.stack import Stack
from rig.watchers import EventWatcher, SocketWatcher

pytestmark = pytest.mark.processes
DISCONNECTS = 200


def test_no_tick_is_lost_or_duplicated_over_two_hundred_disconnects(postgresql):
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


def test_no_tick_is_lost_whichever_service_fails(postgresql):
    chance = random.Random(1)
    with Stack(SYMBOLS, SPEED, postgresql=postgresql) as stack:
        crowd = Crowd(SYMBOLS, chance)
        invite(crowd, [web.port for web in stack.webs], 2)
        each_once = islice(faults(list(stack.services), chance), len(stack.services))
        trial = asyncio.run(torment(stack, crowd, each_once))
        complaints = trial.complaints + audit(stack)
        log = stack.written()
    assert complaints == [], log
    assert {service for service, _ in trial.recoveries} == set(stack.services)
