"""Submission of commands, the one way into the exchange: every door ends here.

A command and its order are committed first; then the desk executes the command exactly once
(docs/architecture.md). A repeat, named by a client id, gives the command that came first.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import orjson
from django.db import IntegrityError, transaction
from django.utils import timezone

from exchange.accounts.notices import announce_commands
from exchange.accounts.readiness import market_time, why_closed
from exchange.accounts.waking import commands_arrived
from exchange.clearing.commands import ANYTIME, CommandKind
from exchange.clearing.orders import OrderType, TriggerBy, TriggerDirection
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.models import Account, Command, Order, Position
from instruments.models import Instrument


class SubmissionError(ValueError):
    """The command was not stored; the text is for the client."""


class ClosedError(SubmissionError):
    """The book cannot execute orders now."""


class NoPositionError(SubmissionError):
    """There is no position to close."""


class ClientIdError(SubmissionError):
    """The client id named another request before."""


class SignatureUsedError(SubmissionError):
    """A request with this signature was accepted before."""


@dataclass(frozen=True, kw_only=True)
class Sender:
    """Who sends a command: `client_id` names it, `signature` is that of the signed request.

    With `once`, a client id that was used before is an error, even if the request is the same.
    """

    account: Account
    client_id: str = ""
    signature: str = ""
    once: bool = False


@dataclass(frozen=True, kw_only=True)
class NewOrder:
    """An order in ticks and lots. With `close` it closes the position, and `lots` is 0.

    `label` is a note of the account; unlike client ids, labels may repeat.
    """

    instrument: Instrument
    side: int
    type: OrderType
    lots: int
    ticks: int = 0
    tif: TimeInForce = TimeInForce.GTC
    trigger_ticks: int = 0
    trigger_by: TriggerBy = TriggerBy.LAST
    trigger_direction: TriggerDirection = TriggerDirection.RISING
    reduce_only: bool = False
    close: bool = False
    label: str = ""


@contextmanager
def together() -> Iterator[None]:
    """Store all commands that are submitted within the block in one transaction, or none."""
    with transaction.atomic():
        yield


def place(sender: Sender, new: NewOrder) -> Command:
    request = {**vars(new), "instrument": new.instrument.pk}
    if not new.label:  # requests without one keep the digest that they had before labels existed
        del request["label"]
    return _submit(
        sender,
        CommandKind.PLACE,
        request,
        make=lambda: _stored(sender, new),
        instrument=new.instrument,
    )


def close_position(sender: Sender, instrument: Instrument) -> Command:
    """Close the whole position with a market order; raise NoPositionError if there is none."""

    def stored() -> Order:
        held = Position.objects.filter(account=sender.account, instrument=instrument).first()
        if held is None or not held.lots:
            raise NoPositionError(f"there is no position in {instrument.symbol} to close")
        closing = NewOrder(
            instrument=instrument,
            side=SELL if held.lots > 0 else BUY,
            type=OrderType.MARKET,
            tif=TimeInForce.IOC,
            lots=0,
            close=True,
        )
        return _stored(sender, closing)

    request = {"close": instrument.pk}
    return _submit(sender, CommandKind.PLACE, request, make=stored, instrument=instrument)


def _stored(sender: Sender, new: NewOrder) -> Order:
    now = timezone.now()
    order = Order(account=sender.account, client_id=sender.client_id, **vars(new))
    order.created_at = now
    order.updated_at = min(now, market_time(new.instrument))  # no later change is older
    order.save(force_insert=True)
    return order


def amend(sender: Sender, order: Order, changes: Mapping[str, int]) -> Command:
    """Change `ticks`, `lots` (in total) and `trigger_ticks` of an order."""
    return _submit_for(sender, CommandKind.AMEND, order, changes)


def cancel(sender: Sender, order: Order) -> Command:
    return _submit_for(sender, CommandKind.CANCEL, order, {})


def cancel_all(sender: Sender, instrument: Instrument | None = None) -> Command:
    """Cancel the open orders in an instrument, or in all."""
    request = {"instrument": instrument and instrument.pk}
    return _submit(sender, CommandKind.CANCEL_ALL, request, instrument=instrument)


def set_leverage(sender: Sender, instrument: Instrument, leverage: int) -> Command:
    request = {"instrument": instrument.pk, "leverage": leverage}
    parameters = {"leverage": leverage}
    return _submit(
        sender, CommandKind.LEVERAGE, request, instrument=instrument, parameters=parameters
    )


def move_money(sender: Sender, amount: int) -> Command:
    """Deposit MONEY_UNITS, or withdraw a negative amount."""
    parameters = {"amount": amount}
    return _submit(sender, CommandKind.MONEY, parameters, parameters=parameters)


def _submit_for(
    sender: Sender, kind: CommandKind, order: Order, parameters: Mapping[str, int]
) -> Command:
    request = {"order": order.pk, **parameters}
    return _submit(
        sender,
        kind,
        request,
        order=order,
        instrument=order.instrument,
        parameters=dict(parameters),
    )


def _submit(
    sender: Sender,
    kind: CommandKind,
    request: Mapping[str, Any],
    make: Callable[[], Order] | None = None,
    **fields: Any,
) -> Command:
    """Store a command, or return the one that its client id names; raise SubmissionError.

    Cancellations and money are stored even while no exchange runs, which then begins with them.
    """
    digest = hashlib.sha256(orjson.dumps([kind, request], option=orjson.OPT_SORT_KEYS)).hexdigest()
    # A client id that may be used once only is left to the constraint: that saves a query.
    if not sender.once and (first := _first(sender, digest)) is not None:
        return first
    if kind not in ANYTIME and (reason := why_closed(fields["instrument"])) is not None:
        raise ClosedError(reason)
    try:
        with transaction.atomic():
            if make is not None:
                fields["order"] = make()
            command = Command.objects.create(
                account=sender.account,
                kind=kind.value,
                client_id=sender.client_id,
                signature=sender.signature,
                digest=digest,
                received_at=timezone.now(),
                **fields,
            )
            announce_commands()
            transaction.on_commit(commands_arrived.set)
    except IntegrityError:
        if sender.signature and Command.objects.filter(signature=sender.signature).exists():
            raise signature_used() from None
        if (first := _first(sender, digest)) is not None:  # it came at the same time
            return first
        raise
    return command


def _first(sender: Sender, digest: str) -> Command | None:
    """Return the command that the client id names; raise SubmissionError where that is wrong."""
    if not sender.client_id:
        return None
    first = (
        Command.objects.filter(account=sender.account, client_id=sender.client_id)
        .select_related("order", "order__instrument", "instrument")
        .first()
    )
    if first is None:
        return None
    if sender.signature and first.signature == sender.signature:
        raise signature_used()
    if sender.once or first.digest != digest:
        raise ClientIdError(
            f"client id {sender.client_id!r} named a different request before: use a new one"
        )
    return first


def signature_used() -> SignatureUsedError:
    return SignatureUsedError("the signature was used before: sign each request anew")
