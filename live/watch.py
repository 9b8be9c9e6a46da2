"""What the channel layer did not bring: looks into the database, and tells subscribers."""

import asyncio
from collections.abc import Callable, Mapping

import structlog
from django.db import Error as DatabaseError

from live.catchup import End, ends
from live.frames import Publication, history_end, status_publication
from live.membership import Membership
from live.protocol import split_topic
from live.reads import read
from market.states import State

logger = structlog.get_logger(__name__)

BEAT_S = 1.0


class Watch:
    """Looks after the topics of one hub, every BEAT_S seconds.

    A layer that is away makes the status `stale`. When it is back, and whenever a frame was lost
    that no later one shows, the ends of the histories in the database tell.
    """

    def __init__(
        self,
        membership: Membership,
        newest: Mapping[str, Publication | None],
        fan_out: Callable[[Publication], None],
    ) -> None:
        """`newest`: of every topic in use, what was fanned out last."""
        self._membership = membership
        self._newest = newest
        self._fan_out = fan_out
        self._before: dict[str, End] = {}
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
        else:
            await self._compare()

    def _tell_stale(self) -> None:
        for topic in tuple(self._newest):
            if topic.startswith("status."):
                self._tell(status_publication(topic, "stale"))
        self._before = {}
        self._told_stale = True

    async def _compare(self) -> None:
        """Tell what the database held a beat ago and nobody has told since."""
        symbols = {split_topic(topic)[1] for topic in self._newest}
        try:
            now = await read(ends, symbols)
        except DatabaseError as error:
            logger.warning("ends of histories not known", error=str(error).strip())
            self._before = {}
            return
        for symbol in self._before.keys() & now.keys():
            before = self._before[symbol]
            self._tell_end(f"quotes.{symbol}", before.last_seq)
            if now[symbol].state == before.state:
                self._tell_state(f"status.{symbol}", before.state)
        if self._before:
            self._told_stale = False
        self._before = now

    def _tell_end(self, topic: str, last_seq: int) -> None:
        if topic in self._newest and last_seq:
            newest = self._newest[topic]
            if newest is None or newest["last_seq"] < last_seq:
                self._fan_out(history_end(topic, last_seq))

    def _tell_state(self, topic: str, state: State) -> None:
        """Tell that a source ended without a word, or the state after our own `stale`."""
        if topic in self._newest and (state == "stopped" or self._told_stale):
            self._tell(status_publication(topic, state))

    def _tell(self, publication: Publication) -> None:
        newest = self._newest[publication["topic"]]
        if newest is None or newest["text"] != publication["text"]:
            self._fan_out(publication)
