"""Looks into the database for what the channel layer did not bring."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import structlog
from django.db import Error as DatabaseError

from live.bulletin import Bulletin, Status
from live.drivers import states
from live.frames import status_publication
from live.membership import Membership
from live.reads import read
from live.sequenced import Sequenced
from live.streams import streams_of
from live.tape import Tape
from live.topics import key_of
from market.states import State

logger = structlog.get_logger(__name__)

BEAT_S = 1.0


class InUse(Protocol):
    """The topics that somebody follows."""

    @property
    def topics(self) -> list[Tape | Bulletin]: ...


class Stored(NamedTuple):
    """What the database holds: the ends of streams and the states of instruments, by topic."""

    ends: dict[str, int]
    states: dict[str, State]


class Watch:
    """Looks after the topics of one hub, every BEAT_S seconds.

    A channel layer that is unavailable makes the status `stale`; the streams then go on from the
    database. A publication that was lost, with none after it, is found a beat later.
    """

    def __init__(self, membership: Membership, hub: InUse) -> None:
        self._membership = membership
        self._hub = hub
        self._before = Stored({}, {})
        self._told_stale = False

    async def run(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._beat()
            except Exception:  # whatever it is, the next beat may find better
                logger.exception("watch failed")

    async def _beat(self) -> None:
        await self._membership.check()
        if self._membership.is_away:
            self._tell_stale()
        await self._compare()

    def _tell_stale(self) -> None:
        self._told_stale = True
        for topic in self._hub.topics:
            if isinstance(topic, Status):
                topic.receive(status_publication(topic.topic, "stale"))

    async def _compare(self) -> None:
        """Check the topics against what the database held a beat ago, or holds now."""
        seen = {tape.topic: tape.end for tape in self._hub.topics if isinstance(tape, Tape)}
        statuses = [topic.topic for topic in self._hub.topics if isinstance(topic, Status)]
        try:
            now = await read(stored, list(seen), statuses)
        except DatabaseError as error:
            logger.warning("ends of streams not known", error=str(error).strip())
            self._before = Stored({}, {})
            return
        before, self._before = self._before, now
        due = now.ends if self._membership.is_away else before.ends
        for topic in self._hub.topics:
            name = topic.topic
            if isinstance(topic, Tape) and name in now.ends:
                topic.check(due.get(name, 0), seen[name], now.ends[name])
            elif isinstance(topic, Status) and not self._membership.is_away:
                self._tell_state(topic, before.states, now.states)
        if before.states and not self._membership.is_away:
            self._told_stale = False

    def _tell_state(
        self, topic: Status, before: Mapping[str, State], now: Mapping[str, State]
    ) -> None:
        """Publish that a source ended silently, or the state after our own `stale`."""
        state = now.get(topic.topic)
        lasts = state == before.get(topic.topic)
        if state is not None and lasts and (state == "stopped" or self._told_stale):
            topic.receive(status_publication(topic.topic, state))


def stored(tapes: list[str], statuses: list[str]) -> Stored:
    """Return what is stored of these topics."""
    keys: dict[Sequenced, dict[str, str]] = defaultdict(dict)
    for topic in tapes:
        if streams := streams_of(topic):
            keys[streams][key_of(topic)] = topic
    ends: dict[str, int] = {}
    for streams, names in keys.items():
        ends |= {names[key]: end for key, end in streams.ends(names).items()}
    found = states([key_of(topic) for topic in statuses]) if statuses else {}
    return Stored(ends, {f"status.{symbol}": state for symbol, state in found.items()})
