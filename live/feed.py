"""What one client follows: its topics, and per topic of quotes the last seq that it was sent.

The same for every door (WebSocket, server-sent events): a door parses what clients say and writes
what a feed sends.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog
from django.db import Error as DatabaseError

from live import metrics
from live.catchup import missed, resolve, state_of
from live.frames import Publication, encode
from live.hub import Hub
from live.protocol import split_topic
from live.reads import read

logger = structlog.get_logger(__name__)

RETRY_S = 1.0
BEHIND_S = 0.02
MOST_QUEUED = 1000
"""Live frames kept while a hole is filled; older ones are read from the database instead."""


class Feed:
    """Sends frames in order, each tick once; holes are filled from the database."""

    def __init__(
        self,
        hub: Hub,
        send: Callable[[str], Awaitable[None]],
        offer: Callable[[Publication], None],
    ) -> None:
        self.topics: set[str] = set()
        self.sent_seq: dict[str, int] = {}
        self._hub = hub
        self._send = send
        self._offer = offer
        self._catching_up: dict[str, deque[Publication]] = {}
        self._filling: dict[str, asyncio.Task[None]] = {}

    async def resolve(self, names: Iterable[str], req_id: object = None) -> list[str]:
        """Return the topics that are meant, `*` written out; raise ProtocolError."""
        return await read(resolve, names, req_id)

    async def follow(self, topics: Iterable[str], since: Mapping[str, int]) -> None:
        """Subscribe first, then send what was missed, then what came meanwhile.

        `topics`: of those that `resolve` returned; `since`: last seqs by symbol. Raises
        DatabaseError; what is new of the topics is then not followed.
        """
        new = [topic for topic in topics if topic not in self.topics]
        wanted = {topic: since.get(symbol_of(topic)) for topic in new if is_quotes(topic)}
        self.topics.update(new)
        self._catching_up |= {topic: deque(maxlen=MOST_QUEUED) for topic in wanted}
        try:
            for topic in new:
                await self._hub.subscribe(topic, self)
            await self._catch_up(wanted)
            for topic in new:
                if topic.startswith("status."):
                    state = await read(state_of, symbol_of(topic))
                    if self._hub.is_away:
                        state = "stale"
                    await self._send(encode({"topic": topic, "type": "status", "state": state}))
        except DatabaseError:
            for topic in new:
                await self.leave(topic)
            raise

    async def leave(self, topic: str) -> None:
        self.topics.discard(topic)
        self._catching_up.pop(topic, None)
        if filling := self._filling.pop(topic, None):
            filling.cancel()
        await self._hub.unsubscribe(topic, self)

    async def close(self) -> None:
        topics, self.topics = self.topics, set()  # from here on nothing is delivered
        for topic in topics:
            await self.leave(topic)

    def deliver(self, publication: Publication) -> None:
        """Take a publication from the hub; this never waits."""
        topic = publication["topic"]
        if topic not in self.topics:
            return
        if (queue := self._catching_up.get(topic)) is not None:
            queue.append(publication)
        elif publication["last_seq"] == 0:
            self._offer(publication)
        elif not publication["text"] and publication["last_seq"] <= self.sent_seq[topic]:
            return  # the end of the history, as we know it
        elif publication["first_seq"] == self.sent_seq[topic] + 1:
            self.sent_seq[topic] = publication["last_seq"]
            self._offer(publication)
        else:  # a hole, or seqs that came before: what the database holds is true
            metrics.HOLES.inc()
            self._catching_up[topic] = deque([publication], maxlen=MOST_QUEUED)
            self._filling[topic] = asyncio.create_task(self._fill_hole(topic))

    async def _fill_hole(self, topic: str) -> None:
        while topic in self.topics:
            try:
                await self._catch_up({topic: self.sent_seq[topic]})
            except DatabaseError as error:
                logger.warning("a hole waits for the database", topic=topic, error=str(error))
                await asyncio.sleep(RETRY_S)
            except OSError:
                return  # gone: its consumer hears of it from the server
            else:
                del self._filling[topic]
                return

    async def _catch_up(self, wanted: dict[str, int | None]) -> None:
        """Send what the database holds after these seqs, then what the hub brought meanwhile.

        Nothing overtakes: the hub's frames queue until all before them were sent.
        """
        while wanted := {topic: since for topic, since in wanted.items() if topic in self.topics}:
            found = await read(missed, {symbol_of(topic): since for topic, since in wanted.items()})
            for symbol, (frames, last_seq) in found.items():
                topic = f"quotes.{symbol}"
                if topic not in self.topics:
                    continue
                self.sent_seq[topic] = last_seq
                for frame in frames:
                    if frame["type"] == "gap":
                        metrics.GAPS.inc()
                    await self._send(encode(frame))
                if await self._send_queued(topic):
                    del wanted[topic]
                else:
                    wanted[topic] = self.sent_seq[topic]
            if wanted:  # a database that is behind what it published is not asked without end
                await asyncio.sleep(BEHIND_S)

    async def _send_queued(self, topic: str) -> bool:
        """Send what queued up to the first hole; return whether there was none."""
        while queue := self._catching_up.get(topic):
            publication = queue[0]
            if publication["first_seq"] > self.sent_seq[topic] + 1 or (
                publication["first_seq"] <= self.sent_seq[topic] < publication["last_seq"]
            ):
                return False
            queue.popleft()
            if publication["last_seq"] == 0:
                await self._send(publication["text"])
            elif publication["last_seq"] > self.sent_seq[topic]:
                self.sent_seq[topic] = publication["last_seq"]
                await self._send(publication["text"])
        self._catching_up.pop(topic, None)
        return True


def is_quotes(topic: str) -> bool:
    return topic.startswith("quotes.")


def symbol_of(topic: str) -> str:
    return split_topic(topic)[1]
