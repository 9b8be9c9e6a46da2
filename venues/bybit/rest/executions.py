"""Executions of orders, and payments of funding: /v5/execution/list."""

from django.db.models import Q, QuerySet

from exchange.clearing.ledger import LedgerCause
from exchange.models import Execution, Funding, Order
from venues.bybit.accounts.executionrows import over_rest
from venues.bybit.accounts.executions import executions_as_rows
from venues.bybit.accounts.fundingrows import funding_row
from venues.bybit.envelopes import page
from venues.bybit.fields import Fields
from venues.bybit.listed import by_key
from venues.bybit.rest.calls import Call, Result
from venues.bybit.rest.orders import category, keys_of
from venues.bybit.rest.paging import page_of, paired_page_of, within
from venues.bybit.trading import orders

KINDS = {"Trade": Q(order__gt=0), "BustTrade": Q(order__lt=0)}
"""Executions by execType: orders of the exchange, with negative ids, liquidate positions."""
FUNDING = "Funding"
DEFAULT, MOST = 50, 100


def executions(call: Call) -> Result:
    """Return executions, the newest first; funding where it is asked for."""
    fields = call.fields
    kind = fields.text("execType")
    if kind == FUNDING:
        return fundings(call)
    account = call.trader.account
    rows = Execution.objects.filter(account=account.pk, instrument__in=keys_of(fields))
    if kind:
        rows = rows.filter(KINDS[kind]) if kind in KINDS else rows.none()
    named = orders.named(Order.objects.filter(account=account), fields)
    if named is not None:
        rows = rows.filter(order__in=list(named.values_list("pk", flat=True)))
    found, cursor = page_of(within(rows, fields, "at"), fields, key="number", default=DEFAULT,
                            most=MOST)  # fmt: skip
    shown = [over_rest(row) for row in executions_as_rows(account, found)]
    return Result(page(shown, cursor, category=category(fields)))


def fundings(call: Call) -> Result:
    fields, listed = call.fields, by_key()
    rows = within(paid_to(call, fields), fields, "at")
    found, cursor = paired_page_of(rows, fields, default=DEFAULT, most=MOST)
    named = [(row, listed[row.instrument_id]) for row in found]
    shown = [over_rest(funding_row(row, each.name, each.lattice)) for row, each in named]
    return Result(page(shown, cursor, category=category(fields)))


def paid_to(call: Call, fields: Fields) -> "QuerySet[Funding]":
    rows = Funding.objects.filter(
        account=call.trader.account.pk,
        instrument__in=keys_of(fields),
        cause=LedgerCause.FUNDING,
    )
    return rows.none() if fields.has("orderId") or fields.has("orderLinkId") else rows
