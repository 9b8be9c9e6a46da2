"""From a request to the desk and back: submission, waiting, refusals in Bybit's codes."""

from collections.abc import Callable
from typing import NamedTuple

from exchange.accounts.listings import CAUSES
from exchange.accounts.submission import (
    ClientIdError,
    ClosedError,
    NoPositionError,
    Sender,
    SignatureUsedError,
    SubmissionError,
)
from exchange.accounts.traders import Trader
from exchange.models import Command, Order
from venues.bybit.errors import BybitError, RetCode, rejection
from venues.doors.commands import all_answered


class Ack(NamedTuple):
    """The answer to a request that concerns an order: it was accepted, what follows is streamed."""

    order_id: str
    link_id: str

    def as_json(self) -> dict[str, str]:
        return {"orderId": self.order_id, "orderLinkId": self.link_id}


def ack(order: Order) -> Ack:
    return Ack(str(order.pk), order.client_id)


def sender(trader: Trader, link_id: str = "", *, is_first: bool = True) -> Sender:
    """Return who sends a command; of a batch, the first one has the signature of the request."""
    signature = trader.signature if is_first else ""
    return Sender(account=trader.account, client_id=link_id, signature=signature, once=True)


def submitted(submit: Callable[[], Command]) -> Command:
    """Store a command; raise BybitError."""
    try:
        return submit()
    except ClientIdError as error:
        raise BybitError(RetCode.LINK_ID) from error
    except SignatureUsedError as error:
        raise BybitError(RetCode.REPEATED_REQUEST) from error
    except ClosedError as error:
        raise BybitError(RetCode.SERVER, f"{RetCode.SERVER.text} {error}") from error
    except NoPositionError as error:
        raise BybitError(RetCode.REDUCE_ONLY, str(error)) from error
    except SubmissionError as error:
        raise BybitError(RetCode.PARAMETER, str(error)) from error


def refused(command: Command) -> BybitError | None:
    """Return why the desk rejected a command, if it did."""
    return None if command.reason is None else rejection(CAUSES[command.reason])


def executed(submit: Callable[[], Command]) -> Command:
    """Store a command and wait for its answer; raise BybitError if it is rejected."""
    (done,) = all_answered([submitted(submit)])
    if (error := refused(done)) is not None:
        raise error
    return done
