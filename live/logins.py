"""Clients of the stream that authenticated for private topics. The exchange registers how.

Clients write the name of a private topic alone, e.g. `orders`. The topic of account 7 is `orders.7`
here; no client can name it.
"""

import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, ParamSpec, Protocol, TypeVar
from urllib.parse import parse_qs

import structlog
from channels.db import database_sync_to_async
from django.db import Error as DatabaseError

from live import topics
from live.protocol import ProtocolError, Request
from live.reads import read

logger = structlog.get_logger(__name__)

P = ParamSpec("P")
T = TypeVar("T")
ACCOUNT_PARAMETER: Final = "account"
"""Query parameter of a handshake; browsers cannot send headers of their own with it."""


class LoginError(ValueError):
    """The client may not log in; the text is for the client."""


class Login(Protocol):
    """One account, as which a client has authenticated."""

    @property
    def account(self) -> int: ...

    def disconnected(self) -> None:
        """Note that a socket with this login disconnected."""


class Authentication(Protocol):
    """How clients authenticate; called in a thread with the database."""

    def by_key(self, key: str, expires_ms: int, signature: str) -> Login:
        """Return the login of an API key that signed; raise LoginError."""

    def by_handshake(self, headers: Sequence[tuple[bytes, bytes]], account: str) -> Login | None:
        """Return the login that the headers of a handshake prove, e.g. of a session.

        `account` names one of several accounts; "" if the client named none.
        """

    def ended(self, logins: Iterable[Login]) -> list[Login]:
        """Return those logins that are not valid any more, e.g. of revoked keys."""


_authentications: list[Authentication] = []


def register(authentication: Authentication) -> None:
    _authentications[:] = [authentication]


def authentication() -> Authentication:
    if not _authentications:
        raise LoginError("this site has no accounts")
    return _authentications[0]


class Access:
    """The private topics of one socket."""

    _all: "weakref.WeakSet[Access]" = weakref.WeakSet()

    def __init__(
        self, headers: Sequence[tuple[bytes, bytes]], end: Any, query: bytes = b""
    ) -> None:
        """`end` is called without arguments when the login ended, e.g. was revoked.

        `query` is the query string of the handshake, which may name an account.
        """
        self._headers = headers
        self._account = parse_qs(query.decode("latin-1")).get(ACCOUNT_PARAMETER, [""])[0]
        self._end = end
        self._login: Login | None = None

    @property
    def login(self) -> Login | None:
        """Who has authenticated on this socket."""
        return self._login

    async def authenticate(self, request: Request) -> None:
        """Log in by key; raise ProtocolError."""
        key, expires_ms, signature = request.credentials
        try:
            login = await in_thread(authentication().by_key, key, expires_ms, signature)
        except LoginError as error:
            raise ProtocolError("auth_failed", str(error), request.req_id) from error
        if self._login is not None and self._login.account != login.account:
            detail = "this socket is authenticated for another account; open another one"
            raise ProtocolError("auth_failed", detail, request.req_id)
        await self._log_in(login)

    async def enter(self, login: Login) -> None:
        """Accept a login that was proved in another way, e.g. in the words of a venue."""
        await self._log_in(login)

    async def internal(self, names: Iterable[str], req_id: Any) -> dict[str, str]:
        """Return the topics of those of `names` that are private, by name; raise ProtocolError."""
        private = [name for name in names if topics.is_private(name)]
        if not private:
            return {}
        if self._login is None and _authentications:
            login = await in_thread(authentication().by_handshake, self._headers, self._account)
            if login is not None:
                await self._log_in(login)
        if self._login is None:
            detail = f"topic {private[0]} is private: send an auth message first"
            raise ProtocolError("not_authenticated", detail, req_id)
        return {name: topics.of_account(name, self._login.account) for name in private}

    async def close(self) -> None:
        login, self._login = self._login, None
        Access._all.discard(self)
        if login is not None:
            try:
                await in_thread(login.disconnected)
            except DatabaseError as error:
                logger.warning("disconnect not noted", error=str(error).strip())

    async def _log_in(self, login: Login) -> None:
        before, self._login = self._login, login
        Access._all.add(self)
        if before is not None:
            await in_thread(before.disconnected)

    @classmethod
    async def end_revoked(cls) -> None:
        """End the sockets whose logins are not valid any more; raise DatabaseError."""
        of_login = {id(each._login): each for each in cls._all if each._login is not None}
        if not of_login:
            return
        logins = [each._login for each in of_login.values() if each._login is not None]
        for login in await read(authentication().ended, logins):
            of_login[id(login)]._end()


async def in_thread(function: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Return `function(...)`, run in the thread with the database; it may write."""
    result: T = await database_sync_to_async(function)(*arguments, **named)
    return result
