"""The sockets that follow topics: /v5/public/CATEGORY and /v5/private."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from django.conf import settings

from live.reads import read
from venues.bybit.listed import all_listed
from venues.bybit.sockets.authentication import Authentication, LoginRefusedError
from venues.bybit.sockets.operations import (
    MOST_ARGUMENT_CHARACTERS,
    BadMessageError,
    Operation,
    accepted,
    authenticated,
    private_pong,
    refused,
)
from venues.bybit.sockets.privatetopics import private_publisher
from venues.bybit.sockets.publictopics import public_publisher
from venues.bybit.sockets.socket import Socket
from venues.bybit.sockets.topicnames import (
    SERVED,
    PrivateTopic,
    TopicError,
    check_categories,
    private_topic,
    public_topic,
)
from venues.doors.clients import clients
from venues.doors.clock import now_ms
from venues.doors.publishers import Following, Make, SilentTopic, Topics
from venues.doors.sockets import POLICY_VIOLATION

STATUS_TOPIC: Final = "system.status"


class StreamSocket(Socket):
    """Subscribes and unsubscribes; subclasses say which topics there are."""

    def __init__(self, *connection: Any) -> None:
        super().__init__(*connection)
        self._following = Following(self)

    async def operate(self, operation: Operation) -> None:
        known = self.operations()
        if operation.op not in known:
            raise BadMessageError("error:invalid op")
        await known[operation.op](operation)

    def operations(self) -> dict[str, Callable[[Operation], Any]]:
        return {
            "subscribe": self._subscribe,
            "unsubscribe": self._unsubscribe,
            "ping": self._pong,
        }

    async def topics(self, names: list[Any]) -> Topics:
        """Return the topics that a client names; raise TopicError."""
        raise NotImplementedError

    async def ended(self) -> None:
        await self._following.leave_all()

    async def _subscribe(self, operation: Operation) -> None:
        try:
            topics = await self.topics(operation.args)
            self._check(topics)
        except TopicError as error:
            self.refuse(operation, str(error))
            return
        await self._following.open(topics)  # before the reply: what happens after it is sent
        self.reply(accepted(operation, self.connection))
        self._following.join(topics)

    def _check(self, topics: Topics) -> None:
        """Raise TopicError for topics that are followed already, or too many of them."""
        for name in topics:
            if name in self._following:
                raise TopicError(f"error:already subscribed,topic:{name}")
        total = sum(map(len, [*self._following, *topics]))
        if total > MOST_ARGUMENT_CHARACTERS:
            raise TopicError(
                f"error:args have {total} characters on this connection, more than "
                f"{MOST_ARGUMENT_CHARACTERS}: open another one"
            )

    async def _unsubscribe(self, operation: Operation) -> None:
        for name in operation.args:
            await self._following.leave(str(name))
        self.reply(accepted(operation, self.connection))

    async def _pong(self, operation: Operation) -> None:
        self.reply(accepted(operation, self.connection, "pong"))


class PublicSocket(StreamSocket):
    """/v5/public/CATEGORY; only linear has symbols."""

    def __init__(self, *connection: Any, category: str = SERVED) -> None:
        super().__init__(*connection)
        self._category = category

    def may_connect(self) -> bool:
        """Return whether there are public reads: nobody authenticates on this socket."""
        return bool(settings.READS_PUBLIC)

    async def topics(self, names: list[Any]) -> Topics:
        if not names:
            raise TopicError("error:args is empty")
        found = [public_topic(name) for name in names]
        listed = await read(all_listed) if self._category == SERVED else {}
        topics: dict[str, tuple[str, Make]] = {}
        for topic in found:
            if topic.symbol not in listed:
                raise TopicError(f"Invalid symbol :[{topic.name}]")
            topics[topic.name] = (
                topic.name,
                partial(public_publisher, topic, listed[topic.symbol]),
            )
        return topics


class StatusSocket(StreamSocket):
    """/v5/public/misc/status: announcements of maintenance, of which there are none."""

    async def topics(self, names: list[Any]) -> Topics:
        if names != [STATUS_TOPIC]:
            raise TopicError(f"error:handler not found,topic:{names}")
        return {STATUS_TOPIC: (STATUS_TOPIC, partial(SilentTopic, STATUS_TOPIC))}


class PrivateSocket(StreamSocket):
    """/v5/private: topics of the account of the key that authenticated."""

    def __init__(self, *connection: Any) -> None:
        super().__init__(*connection)
        self._authentication = Authentication(self._end_revoked)

    def operations(self) -> dict[str, Callable[[Operation], Any]]:
        return {**super().operations(), "auth": self._authenticate}

    async def ended(self) -> None:
        await super().ended()
        await self._authentication.close()

    async def topics(self, names: list[Any]) -> Topics:
        login = self._authentication.login
        if login is None:
            raise TopicError("Request not authorized")
        if not names:
            raise TopicError("error:args is empty")
        found = [private_topic(name) for name in names]
        check_categories(found)
        return {topic.name: self._topic(topic, login.account) for topic in found}

    def _topic(self, topic: PrivateTopic, account: int) -> tuple[str, Make]:
        return f"{topic.name}@{account}", partial(private_publisher, topic, account)

    async def _authenticate(self, operation: Operation) -> None:
        try:
            await self._authentication.log_in(operation.args)
            clients.identify(self.connection, self._authentication.trader.account.name)
        except LoginRefusedError as error:
            self.reply(refused(operation, self.connection, str(error)))
            return
        self.reply(authenticated(operation, self.connection))

    async def _pong(self, operation: Operation) -> None:
        self.reply(private_pong(operation, self.connection, now_ms()))

    def _end_revoked(self) -> None:
        self.start(self.end("revoked", POLICY_VIOLATION))
