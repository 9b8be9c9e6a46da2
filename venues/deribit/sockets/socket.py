"""The WebSocket of the door: requests, subscriptions, heartbeats."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from exchange.accounts.traders import Trader
from exchange.http.streamlogins import KeyLogin
from live.logins import Access
from live.reads import read
from venues.deribit import proofs
from venues.deribit.channels import Channel, channel
from venues.deribit.envelopes import answer, notification, refusal
from venues.deribit.errors import Code, RpcError
from venues.deribit.heartbeats import LONGEST_S, SHORTEST_S, Beat, Heart
from venues.deribit.methods.admission import Gate, as_rpc_error, check_access, route_of
from venues.deribit.methods.calls import Call, Route
from venues.deribit.params import Params
from venues.deribit.proofs import Proved
from venues.deribit.requests import BadRequestError, RpcRequest, parsed
from venues.deribit.sockets.accountfeeds import private_maker
from venues.deribit.sockets.publishing import key_of, public_maker
from venues.doors.clients import Key, clients
from venues.doors.clock import now_ms, now_ns
from venues.doors.publishers import Following, Make, Topics
from venues.doors.sockets import POLICY_VIOLATION, DoorSocket
from venues.doors.threads import in_thread

MOST_WAITING: Final = 100
"""Requests of one connection that are not answered yet."""
MOST_CHANNELS: Final = 500
ACCESS_PARAM: Final = "access_token"
OK: Final = "ok"
HEART_ENDED: Final = "heartbeat"
NO_HEARTBEAT: Final = 4000
"""Deribit's close code for clients that do not answer a test_request."""


class RpcSocket(DoorSocket):
    """Executes requests one after the other; what concerns the connection itself, at once."""

    venue = "deribit"
    messages_per_s = 1_000  # credits are the limit

    def __init__(self, *connection: Any, gate: Gate) -> None:
        super().__init__(*connection)
        self._gate = gate
        self._access = Access((), self._end_revoked)
        self._trader: Trader | None = None
        self._following = Following(self)
        self._opened: Topics = {}
        """Channels that are open, but whose messages must follow the answer."""
        self._heart: Heart | None = None
        self._beating: asyncio.TimerHandle | None = None
        self._waiting: asyncio.Queue[Callable[[], Awaitable[None]]] = asyncio.Queue(MOST_WAITING)
        self._is_working = False
        self._own: Mapping[str, Callable[[RpcRequest, Trader | None], Awaitable[Any]]] = {
            "public/test": self._test,
            "public/auth": partial(self._log_in, proofs.authenticate),
            "public/exchange_token": partial(self._log_in, proofs.exchange),
            "public/set_heartbeat": self._set_heartbeat,
            "public/disable_heartbeat": self._disable_heartbeat,
            "public/subscribe": self._subscribe,
            "private/subscribe": self._subscribe,
            "public/unsubscribe": self._unsubscribe,
            "private/unsubscribe": self._unsubscribe,
            "public/unsubscribe_all": self._unsubscribe_all,
            "private/unsubscribe_all": self._unsubscribe_all,
        }

    async def take(self, text: str | None) -> None:
        received_us = now_ns() // 1_000
        if self._heart is not None:
            self._heart.heard()
        try:
            if text is None:
                raise BadRequestError(Code.BAD_REQUEST, "send text frames that hold JSON")
            rpc = parsed(text.encode())
        except BadRequestError as error:
            self._answer(error.id, received_us, error=error)
            return
        try:
            await self._accept(rpc, received_us)
        except Exception as error:
            self._answer(rpc.id, received_us, error=as_rpc_error(error, rpc.method))
            if isinstance(error, RpcError) and error.code is Code.TOO_MANY_REQUESTS:
                await self.end("credits", POLICY_VIOLATION)

    async def ended(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        await self._following.leave_all()
        await self._access.close()

    async def _accept(self, rpc: RpcRequest, received_us: int) -> None:
        """Execute a request of the connection itself; queue others; raise RpcError."""
        route = route_of(rpc.method)
        try:
            who = await self._bearer(rpc.params)
        except RpcError:  # guesses cost the address
            self._gate.pay(route, None, self._address)
            raise
        self._gate.pay(route, who, self._address)
        check_access(route, who)
        if rpc.method == "private/logout":
            await self.end("logout", 1000)
        elif rpc.method in self._own:
            result = await self._own[rpc.method](rpc, who)
            self._answer(rpc.id, received_us, result)
            self._join_opened()
        else:
            self._queue(partial(self._execute, route, rpc, who, received_us))

    async def _bearer(self, params: Params) -> Trader | None:
        """Return who sends a request: the bearer of its token, or who has logged in."""
        if params.has(ACCESS_PARAM):
            given = params.required(ACCESS_PARAM, longest=proofs.LONGEST_TOKEN)
            return await in_thread(proofs.by_token, given, self.connection)
        return self._trader

    def _queue(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            self._waiting.put_nowait(work)
        except asyncio.QueueFull:
            reason = f"more than {MOST_WAITING} requests of this connection wait"
            raise RpcError(Code.QUEUE_FULL, reason) from None
        if not self._is_working:
            self._is_working = True
            self.start(self._work())

    async def _work(self) -> None:
        try:
            while not self._waiting.empty():
                await self._waiting.get_nowait()()
        finally:
            self._is_working = False

    async def _execute(
        self, route: Route, rpc: RpcRequest, who: Trader | None, received_us: int
    ) -> None:
        call = Call(params=rpc.params, now_ms=now_ms(), who=who, connection=self.connection)
        try:
            result = await in_thread(route.handler, call)
        except Exception as error:  # of one request: the others go on
            self._answer(rpc.id, received_us, error=as_rpc_error(error, rpc.method))
        else:
            self._answer(rpc.id, received_us, result)

    def _answer(
        self,
        request_id: int | str | None,
        received_us: int,
        result: Any = None,
        error: RpcError | None = None,
    ) -> None:
        sent_us = now_ns() // 1_000
        account = "" if self._trader is None else self._trader.account.name
        reason = "" if error is None else str(error)
        clients.request(Key(self.venue, self._address, account), refusal=reason)
        if error is not None:
            self.reply(refusal(request_id, error, received_us, sent_us))
        else:
            self.reply(answer(request_id, result, received_us, sent_us))

    async def _test(self, rpc: RpcRequest, who: Trader | None) -> Any:
        if self._heart is not None:
            self._heart.tested()
        handler = route_of(rpc.method).handler
        return handler(Call(params=rpc.params, now_ms=now_ms()))

    async def _log_in(
        self, prove: Callable[[Params, str], Proved], rpc: RpcRequest, who: Trader | None
    ) -> Any:
        """Authenticate the connection; raise RpcError."""
        proved = await in_thread(prove, rpc.params, self.connection)
        trader = proved.trader
        if trader.key is None:
            raise RpcError(Code.CREDENTIALS)
        self._check_account(trader)
        await self._access.enter(KeyLogin(trader, trader.key))
        self._trader = replace(trader, signature="")
        clients.identify(self.connection, trader.account.name)
        return proved.result

    def _check_account(self, trader: Trader) -> None:
        """Raise RpcError if the connection belongs to another account."""
        login = self._access.login
        if login is not None and login.account != trader.account.pk:
            reason = "this connection is authenticated for another account: open another one"
            raise RpcError(Code.UNAUTHORIZED, reason)

    async def _watch(self, trader: Trader) -> None:
        """Make the connection end when the key that follows private channels is revoked.

        It has logged in, or the request names a token; raise RpcError.
        """
        self._check_account(trader)
        if self._access.login is None and trader.key is not None:
            await self._access.enter(KeyLogin(trader, trader.key))

    async def _set_heartbeat(self, rpc: RpcRequest, who: Trader | None) -> str:
        self._heart = Heart(rpc.params.whole("interval", SHORTEST_S, LONGEST_S))
        self._beat_later()
        return OK

    async def _disable_heartbeat(self, rpc: RpcRequest, who: Trader | None) -> str:
        self._heart = None
        if self._beating is not None:
            self._beating.cancel()
        return OK

    def _beat_later(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        if self._heart is not None:
            loop = asyncio.get_running_loop()
            self._beating = loop.call_later(self._heart.interval_s, self._beat)

    def _beat(self) -> None:
        if self._heart is None:
            return
        due = self._heart.beat()
        if due is Beat.END:
            self.start(self.end(HEART_ENDED, NO_HEARTBEAT))
            return
        self.reply(notification("heartbeat", type=due.value))
        self._beat_later()

    async def _subscribe(self, rpc: RpcRequest, who: Trader | None) -> list[str]:
        """Follow channels; return those that are followed now, of those that were asked for."""
        names = list(dict.fromkeys(rpc.params.texts("channels", MOST_CHANNELS)))
        wanted = [found for name in names if (found := channel(name)) is not None]
        if any(each.is_raw for each in wanted) and who is None:
            raise RpcError(Code.RAW_NEEDS_LOGIN)
        is_private = rpc.method.startswith("private/")
        served = [each for each in wanted if is_private or not each.kind.is_private]
        new = [each for each in served if each.name not in self._following]
        if who is not None and any(each.kind.is_private for each in new):
            await self._watch(who)
        topics = await read(topics_of, new, who)
        followed = [each for each in names if each in topics or each in self._following]
        if not followed:
            reason = f"no such channel: {', '.join(names)[:200]}"
            raise RpcError(Code.SUBSCRIPTION, reason, "channels")
        if sum(1 for _ in self._following) + len(topics) > MOST_CHANNELS:
            reason = f"a connection follows at most {MOST_CHANNELS} channels"
            raise RpcError(Code.SUBSCRIPTION, reason, "channels")
        await self._following.open(topics)
        self._opened = topics
        return followed

    def _join_opened(self) -> None:
        opened, self._opened = self._opened, {}
        self._following.join(opened)

    async def _unsubscribe(self, rpc: RpcRequest, who: Trader | None) -> list[str]:
        names = rpc.params.texts("channels", MOST_CHANNELS)
        left = [name for name in names if name in self._following]
        for name in left:
            await self._following.leave(name)
        return left

    async def _unsubscribe_all(self, rpc: RpcRequest, who: Trader | None) -> str:
        await self._following.leave_all()
        return OK

    def _end_revoked(self) -> None:
        self.start(self.end("revoked", POLICY_VIOLATION))


def topics_of(channels: list[Channel], who: Trader | None) -> dict[str, tuple[str, Make]]:
    """Return the key and the maker of those channels that exist (in the thread of reads)."""
    found: dict[str, tuple[str, Make]] = {}
    for each in channels:
        account = 0 if who is None else who.account.pk
        make = private_maker(each, account) if each.kind.is_private else public_maker(each)
        if make is not None:
            found[each.name] = key_of(each, account), make
    return found
