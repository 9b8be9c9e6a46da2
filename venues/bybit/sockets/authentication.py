"""The `auth` operation: an API key proves itself once per connection."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from exchange.accounts.traders import AuthenticationError, Trader, UnknownKeyError
from exchange.http.streamlogins import KeyLogin
from live.logins import Access, Login
from live.protocol import Credentials, ProtocolError, Request
from venues.bybit.errors import RetCode
from venues.doors.clock import now_ms


class LoginRefusedError(ValueError):
    """The key did not prove itself; the text is for the client."""

    def __init__(self, code: RetCode, text: str = "") -> None:
        super().__init__(text or code.text)
        self.code = code


class Authentication:
    """Who is at the other end of one socket."""

    def __init__(self, end: Callable[[], None]) -> None:
        """`end` is called when the key is revoked."""
        self._access = Access((), end)

    @property
    def login(self) -> Login | None:
        return self._access.login

    @property
    def trader(self) -> Trader:
        """Who trades; the signature was that of the login, not of each request."""
        login = self.login
        if not isinstance(login, KeyLogin):
            raise LoginRefusedError(RetCode.API_KEY)
        return replace(login.trader, signature="")

    async def log_in(self, args: list[Any]) -> None:
        """Accept [key, time in ms until which the signature is valid, signature].

        Raise LoginRefusedError.
        """
        if self.login is not None:
            raise LoginRefusedError(RetCode.WS_REPEATED_LOGIN)
        credentials = credentials_of(args)
        if credentials.expires_ms <= (now := now_ms()):
            raise LoginRefusedError(
                RetCode.PARAMETER,
                f"Params Error: the signature expired at {credentials.expires_ms}, it is {now}",
            )
        try:
            await self._access.authenticate(Request("auth", (), {}, None, credentials=credentials))
        except ProtocolError as error:
            raise LoginRefusedError(code_of(error), error.detail) from error

    async def close(self) -> None:
        """Note that the socket disconnected."""
        await self._access.close()


def code_of(error: ProtocolError) -> RetCode:
    """Return the code of a login that was refused, by what caused the error."""
    reason = error.__cause__.__cause__ if error.__cause__ else None
    if isinstance(reason, UnknownKeyError):
        return RetCode.API_KEY
    return RetCode.SIGNATURE if isinstance(reason, AuthenticationError) else RetCode.PARAMETER


def credentials_of(args: list[Any]) -> Credentials:
    """Return the arguments of `auth`; clients write the time as a number or as text."""
    match args:
        case [str(key), int() | str() as expires, str(signature)] if str(expires).isdecimal():
            return Credentials(key, int(expires), signature)
    raise LoginRefusedError(
        RetCode.PARAMETER, "Params Error: args must be [key, expires in ms, signature]"
    )
