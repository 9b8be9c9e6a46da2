"""From a request to the desk and back: submission, waiting, refusals in Deribit's codes."""

from collections.abc import Callable
from dataclasses import dataclass

from exchange.accounts.listings import CAUSES
from exchange.accounts.submission import (
    ClosedError,
    NoPositionError,
    Sender,
    SignatureUsedError,
    SubmissionError,
)
from exchange.accounts.traders import Trader
from exchange.models import Command
from venues.deribit.errors import Code, RpcError, rejection
from venues.doors.commands import all_answered


@dataclass
class Signed:
    """The signature of a request, which is stored with its first command only."""

    trader: Trader
    is_used: bool = False

    def sender(self) -> Sender:
        """Return who sends the next command of the request."""
        signature, self.is_used = "" if self.is_used else self.trader.signature, True
        return Sender(account=self.trader.account, signature=signature, once=True)


def submitted(submit: Callable[[], Command]) -> Command:
    """Store a command; raise RpcError."""
    try:
        return submit()
    except SignatureUsedError as error:
        raise RpcError(Code.UNAUTHORIZED, str(error)) from error
    except ClosedError as error:
        raise RpcError(Code.BOOK_CLOSED, str(error)) from error
    except NoPositionError as error:
        raise RpcError(Code.ALREADY_CLOSED, str(error)) from error
    except SubmissionError as error:
        raise RpcError(Code.ARGUMENTS, str(error)) from error


def refused(command: Command, side: int = 1) -> RpcError | None:
    """Return why the desk rejected a command, if it did."""
    if command.reason is None:
        return None
    return rejection(CAUSES[command.reason], side)


def executed(submit: Callable[[], Command], side: int = 1) -> Command:
    """Store a command and wait for its answer; raise RpcError if it is rejected."""
    (done,) = all_answered([submitted(submit)])
    if (error := refused(done, side)) is not None:
        raise error
    return done
