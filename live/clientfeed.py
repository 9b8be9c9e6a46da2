"""The topics that one client follows, for both transports (WebSocket, server-sent events).

A transport parses requests and writes what a feed sends.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping

from django.db import Error as DatabaseError

from live import cutting, metrics
from live.boards import Panel
from live.bulletin import Bulletin
from live.derivedtapes import DerivedTape
from live.frames import Frame, Publication
from live.hub import Hub
from live.tape import Tape, is_gap
from live.topics import shown


class ClientFeed:
    """Sends the frames of its topics in order, each row once.

    It reads a tape on its own until it is at the end; then it joins the subscribers.
    """

    def __init__(
        self,
        hub: Hub,
        send: Callable[[str], Awaitable[None]],
        offer: Callable[[Publication], None],
        fail: Callable[[], None],
    ) -> None:
        """`send` waits for the client, `offer` does not; `fail` disconnects it after an error."""
        self.topics: set[str] = set()
        self.deliver = offer
        self.fail = fail
        self._hub = hub
        self._send = send

    async def resolve(self, names: Iterable[str], req_id: object = None) -> list[str]:
        """Return the topics, `*` expanded; raise ProtocolError."""
        return await self._hub.symbols.expand(names, req_id)

    async def follow(self, topics: Iterable[str], since: Mapping[str, int]) -> None:
        """Subscribe first, then send what was missed, then live frames.

        `topics`: of those that `resolve` returned; `since`: last seqs by topic, ignored for topics
        that begin with a snapshot. Raises DatabaseError; none of the new topics is then followed.
        """
        new = [topic for topic in topics if topic not in self.topics]
        self.topics.update(new)
        for topic in new:
            self._hub.follow(topic)
        try:
            for topic in new:
                if topic in self.topics:
                    await self._join(topic, since.get(topic))
        except DatabaseError:
            for topic in new:
                await self.leave(topic)
            raise

    async def leave(self, topic: str) -> None:
        if topic in self.topics:
            self.topics.discard(topic)
            await self._hub.leave(topic, self)

    async def close(self) -> None:
        for topic in tuple(self.topics):
            await self.leave(topic)

    async def _join(self, name: str, since: int | None) -> None:
        topic = await self._hub.opened(name)
        if isinstance(topic, Tape):
            await self._catch_up(topic, since)
        elif isinstance(topic, Panel):
            await self._show(topic)
        else:
            await self._send_newest(topic)
        if name in self.topics:
            topic.subscribers.add(self)
            if isinstance(topic, DerivedTape) and (present := topic.present()) is not None:
                self.deliver(present)

    async def _show(self, panel: Panel) -> None:
        """Send the snapshot, and the deltas that were published while the client took it."""
        since: int | None = None
        while panel.topic in self.topics and (missing := panel.after(since)):
            for publication in missing:
                await self._send(publication["text"])
                since = publication["last_seq"]

    async def _send_newest(self, bulletin: Bulletin) -> None:
        """Send what a new subscriber starts with, and what replaced it meanwhile."""
        sent = None
        while (first := bulletin.first()) is not None and first is not sent:
            await self._send(first["text"])
            sent = first

    async def _catch_up(self, tape: Tape, since: int | None) -> None:
        """Send everything after `since` up to the end of the tape, which moves meanwhile."""
        while tape.topic in self.topics:
            if since is not None and since > tape.end:
                await tape.catch_up()
                if since > tape.end:
                    await self._reset(tape)
                    since = tape.end
            missing = tape.after(since)
            if missing is None:
                missing = await tape.load(since)
            if not missing:
                return
            for publication in missing:
                if is_gap(publication):
                    metrics.GAPS.inc()
                await self._send(publication["text"])
                since = publication["last_seq"]

    async def _reset(self, tape: Tape) -> None:
        frame: Frame = {"topic": shown(tape.topic), "type": "reset", "last_seq": tape.end}
        await self._send(cutting.from_frame(frame)["text"])
