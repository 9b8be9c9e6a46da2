"""Checks the database for publications that the channel layer did not deliver."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from typing import NamedTuple, Protocol

import structlog
from django.db import Error as DatabaseError

from live.boards import Board, Slice
from live.bulletin import Bulletin, Status
from live.drivers import states
from live.frames import status_publication
from live.images import Images, images_of
from live.logins import Access
from live.membership import Membership
from live.reads import read
from live.sequenced import Sequenced
from live.streams import streams_of
from live.tape import Tape
from live.topics import key_of
from market.states import State

logger = structlog.get_logger(__name__)

BEAT_S = 1.0
Topic = Tape | Board | Slice | Bulletin
"""A topic in use; those with `check` have a stored end."""


class InUse(Protocol):
    """Provides the topics that have subscribers."""

    @property
    def topics(self) -> list[Topic]: ...


class Stored(NamedTuple):
    """Stored ends of streams and states of instruments, by topic."""

    ends: dict[str, int]
    states: dict[str, State]


class Watch:
    """Checks the topics of one hub every BEAT_S seconds.

    While the channel layer is unavailable, the status is `stale` and streams continue from the
    database. A lost publication that none follows is found one beat later.
    """

    def __init__(self, membership: Membership, hub: InUse) -> None:
        self._membership = membership
        self._hub = hub
        self._before = Stored({}, {})
        self._published_stale = False

    async def run(self) -> None:
        while True:
            await asyncio.sleep(BEAT_S)
            try:
                await self._beat()
            except Exception:  # the next beat tries again
                logger.exception("watch failed")

    async def _beat(self) -> None:
        await self._membership.check()
        if self._membership.is_unavailable:
            self._publish_stale()
        await self._compare()
        await self._end_revoked()

    def _publish_stale(self) -> None:
        self._published_stale = True
        for topic in self._hub.topics:
            if isinstance(topic, Status):
                topic.receive(status_publication(topic.topic, "stale"))

    async def _compare(self) -> None:
        """Compare the topics with the database of one beat ago, or of now."""
        seen = {each.topic: each.end for each in self._hub.topics if isinstance(each, Tape | Board)}
        statuses = [topic.topic for topic in self._hub.topics if isinstance(topic, Status)]
        try:
            now = await read(stored, list(seen), statuses)
        except DatabaseError as error:
            logger.warning("ends of streams could not be read", error=str(error).strip())
            self._before = Stored({}, {})
            return
        before, self._before = self._before, now
        due = now.ends if self._membership.is_unavailable else before.ends
        for topic in self._hub.topics:
            name = topic.topic
            if isinstance(topic, Tape | Board) and name in now.ends:
                topic.check(due.get(name, 0), seen[name], now.ends[name])
            elif isinstance(topic, Status) and not self._membership.is_unavailable:
                self._publish_state(topic, before.states, now.states)
        if before.states and not self._membership.is_unavailable:
            self._published_stale = False

    async def _end_revoked(self) -> None:
        try:
            await Access.end_revoked()
        except DatabaseError as error:
            logger.warning("logins could not be checked", error=str(error).strip())

    def _publish_state(
        self, topic: Status, before: Mapping[str, State], now: Mapping[str, State]
    ) -> None:
        """Publish that a source stopped without notice, or the state that follows our `stale`."""
        state = now.get(topic.topic)
        lasts = state == before.get(topic.topic)
        if state is not None and lasts and (state == "stopped" or self._published_stale):
            topic.receive(status_publication(topic.topic, state))


def stored(topics: list[str], statuses: list[str]) -> Stored:
    """Return the stored ends of tapes and boards, and the states of these topics."""
    keys: dict[Sequenced | Images, dict[str, str]] = defaultdict(dict)
    for topic in topics:
        if source := streams_of(topic) or images_of(topic):
            keys[source][key_of(topic)] = topic
    ends: dict[str, int] = {}
    for source, names in keys.items():
        ends |= {names[key]: end for key, end in source.ends(names).items()}
    found = states([key_of(topic) for topic in statuses]) if statuses else {}
    return Stored(ends, {f"status.{symbol}": state for symbol, state in found.items()})
