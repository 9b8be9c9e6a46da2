"""Requests through ccxt: its errors, and ours for them. Pure."""

from typing import Any, Final

import ccxt

from venues.brokers import NotSentError, RefusedError, UnknownOutcomeError
from venues.ccxt.exchanges import explained

NOT_SENT: Final = (ccxt.RateLimitExceeded, ccxt.DDoSProtection, ccxt.InvalidNonce)
WRONG: Final = (
    ccxt.AuthenticationError,
    ccxt.BadRequest,
    ccxt.ArgumentsRequired,
    ccxt.NotSupported,
)
GONE: Final = (ccxt.OrderNotFound,)


async def read(request: Any, *arguments: Any) -> Any:
    """Ask for something; raise NotSentError or RefusedError."""
    try:
        return await request(*arguments)
    except ccxt.OperationFailed as error:
        raise NotSentError(explained(error)) from error
    except ccxt.BaseError as error:
        raise RefusedError(explained(error)) from error


async def write(request: Any, *arguments: Any) -> Any:
    """Send a request; raise BrokerError, or ccxt.BaseError if the venue rejects it."""
    try:
        return await request(*arguments)
    except NOT_SENT as error:
        raise NotSentError(explained(error)) from error
    except ccxt.OperationFailed as error:  # also an answer that cannot be read
        raise UnknownOutcomeError(explained(error)) from error
    except WRONG as error:
        raise RefusedError(explained(error)) from error


async def change(request: Any, *arguments: Any) -> None:
    """Change orders; those that have ended meanwhile are no error. Raise BrokerError."""
    try:
        await write(request, *arguments)
    except GONE:
        return
    except ccxt.BaseError as error:
        raise RefusedError(explained(error)) from error
