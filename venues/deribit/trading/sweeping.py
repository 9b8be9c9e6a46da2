"""Cancel many orders at once, and count them."""

from collections.abc import Iterable, Sequence
from functools import partial

from exchange.accounts import submission
from exchange.accounts.traders import Trader
from exchange.models import Account, Command, Order, OrderEvent
from venues.deribit.listed import Listed
from venues.deribit.trading.submitting import Signed, refused, submitted
from venues.doors.commands import all_answered


def sweep(trader: Trader, where: Iterable[Listed]) -> int:
    """Cancel all orders in these instruments; return how many were cancelled."""
    before = Account.objects.values_list("events", flat=True).get(pk=trader.account.pk)
    signed = Signed(trader)
    with submission.together():
        commands = [
            submitted(partial(submission.cancel_all, signed.sender(), each.instrument))
            for each in where
        ]
    done = all_answered(commands)
    events = OrderEvent.objects.filter(
        account=trader.account.pk, number__gt=before, command__in=[each.pk for each in done]
    )
    return events.exclude(order=0).count()


def cancel_each(trader: Trader, orders: Sequence[Order]) -> int:
    """Cancel these orders; return how many were still open."""
    signed = Signed(trader)
    with submission.together():
        commands: list[Command] = [
            submitted(partial(submission.cancel, signed.sender(), order)) for order in orders
        ]
    return sum(refused(command) is None for command in all_answered(commands))
