"""The account over HTTP: who it is, its balance, positions, executions and ledger."""

from dataclasses import replace
from typing import Any, Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from drf_spectacular.utils import OpenApiParameter, extend_schema

from exchange.accounts import submission
from exchange.accounts.amounts import money
from exchange.accounts.listings import EXECUTIONS, LEDGER, POSITIONS
from exchange.accounts.statement import statement
from exchange.clearing.ledger import LedgerCause
from exchange.http.commands import TraderView, executed, order_answer, refuse_rejected
from exchange.http.commands import sender as sender_of
from exchange.http.orderbodies import LEVERAGE_SCHEMA, leverage, tradable
from exchange.http.orders import (
    IDEMPOTENCY,
    OF_ORDER,
    SYMBOL,
    WRITES,
    numbered,
    of_order,
    of_symbol,
    order_responses,
    since,
    within,
)
from exchange.http.tables import answer, answer_page, documented, exact_json, problems
from exchange.models import Account, Execution, LedgerEntry
from instruments.models import Instrument
from web import formats
from web.bodies import Body
from web.views import PAGED, read, unknown_instrument

CAUSES: Final = {cause.name.lower(): cause.value for cause in LedgerCause}
BALANCES: Final = ("balance", "equity", "unrealised", "initial_margin", "maintenance_margin",
                   "available")  # fmt: skip
BALANCE_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": [*BALANCES],
    "properties": {name: {"type": "number"} for name in BALANCES},
}
ACCOUNT_SCHEMA: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["account", "via", "permissions", "fees", "is_practice", "balance"],
    "properties": {
        "account": {"type": "string"},
        "via": {"type": "string", "enum": ["secret", "signature", "session", "token"]},
        "permissions": {"type": "array", "items": {"type": "string", "enum": ["read", "trade"]}},
        "fees": {"type": "string"},
        "is_practice": {"type": "boolean"},
        "balance": {"type": "number"},
    },
}
LEVERAGE_ANSWER: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["symbol", "leverage"],
    "properties": {"symbol": {"type": "string"}, "leverage": {"type": "integer"}},
}


class AccountView(TraderView):
    @extend_schema(
        operation_id="account_read",
        tags=["trading"],
        responses={(200, "application/json"): ACCOUNT_SCHEMA, **problems(401, 403, 429, 503)},
    )
    def get(self, request: Any) -> HttpResponse:
        """Whose credentials these are, and what they permit."""
        account = Account.objects.get(pk=request.user.account.pk)  # that of a key may be older
        return exact_json(account_json(replace(request.user, account=account)))


def account_json(trader: Any) -> dict[str, Any]:
    return {
        "account": trader.account.name,
        "via": trader.via,
        "permissions": ["read", "trade"] if trader.can_trade else ["read"],
        "fees": trader.account.fees,
        "is_practice": trader.account.is_practice,
        "balance": money(trader.account.balance),
    }


class BalanceView(TraderView):
    @extend_schema(
        operation_id="balance_read",
        tags=["trading"],
        responses={(200, "application/json"): BALANCE_SCHEMA, **problems(401, 403, 429, 503)},
    )
    def get(self, request: Any) -> HttpResponse:
        """Balance (the sum of the ledger), equity at the present prices, and margins."""
        now = statement(request.user.account.pk)
        return exact_json(balance_json(now.balance, now.valuation))


def balance_json(balance: int, value: Any) -> dict[str, Any]:
    amounts = (balance, value.equity, value.equity - balance, value.initial, value.maintenance,
               value.available)  # fmt: skip
    return {name: money(units) for name, units in zip(BALANCES, amounts, strict=True)}


class PositionsView(TraderView):
    @documented("positions_list", POSITIONS, [SYMBOL, "format"])
    def get(self, request: Any) -> HttpResponseBase:
        """Positions at the present prices, by instrument; closed ones with what they earned."""
        read(request, "symbol", "format", formats=formats.TABLE_FORMATS)
        held = statement(request.user.account.pk).positions
        if "symbol" in request.GET:
            wanted = tradable(request.GET["symbol"].replace("\0", ""))
            held = [each for each in held if each.instrument == wanted]
        return answer_page(request, POSITIONS, held)


class ExecutionsView(TraderView):
    @documented("executions_list", EXECUTIONS, [SYMBOL, OF_ORDER, "since_seq", *PAGED])
    def get(self, request: Any) -> HttpResponseBase:
        """Fills of the account's orders, the newest first; after `since_seq`, ascending."""
        asked = numbered(request)
        found = Execution.objects.filter(account=request.user.account.pk)
        rows = of_symbol(since(of_order(found, asked), asked), request)
        rows = within(rows, asked, "at").select_related("instrument")
        newest_first = "since_seq" not in request.GET
        return answer(request, EXECUTIONS, rows, asked, newest_first=newest_first)


class LedgerView(TraderView):
    @documented(
        "ledger_list",
        LEDGER,
        [SYMBOL, OpenApiParameter("cause", {"type": "string", "enum": list(CAUSES)}), *PAGED],
    )
    def get(self, request: Any) -> HttpResponseBase:
        """Every change of the balance, the newest first."""
        asked = read(request, "symbol", "cause", *PAGED, formats=formats.TABLE_FORMATS)
        found = LedgerEntry.objects.filter(account=request.user.account)
        if "cause" in request.GET:
            found = found.filter(cause=CAUSES[asked.choice("cause", tuple(CAUSES), "")])
        rows = within(of_symbol(found, request), asked, "at").select_related("instrument")
        return answer(request, LEDGER, rows, asked)


class LeverageView(TraderView):
    @extend_schema(
        operation_id="leverage_set",
        tags=["trading"],
        parameters=[IDEMPOTENCY],
        request={"application/json": LEVERAGE_SCHEMA},
        responses={
            (200, "application/json"): LEVERAGE_ANSWER,
            (202, "application/json"): LEVERAGE_ANSWER,
            **WRITES,
        },
    )
    def post(self, request: Any, symbol: str) -> HttpResponse:
        """Choose the leverage in an instrument; it decides the initial margin of new orders."""
        instrument, wanted = in_path(symbol), leverage(request.data)
        sender = sender_of(request)
        command = executed(lambda: submission.set_leverage(sender, instrument, wanted))
        refuse_rejected(command)
        body = {"symbol": instrument.symbol, "leverage": wanted}
        return exact_json(body, 200 if command.done else 202)


class CloseView(TraderView):
    @extend_schema(
        operation_id="position_close",
        tags=["trading"],
        parameters=[IDEMPOTENCY],
        request={"application/json": {"type": "object", "additionalProperties": False}},
        responses=order_responses(201),
    )
    def post(self, request: Any, symbol: str) -> HttpResponse:
        """Close the whole position with a market order; answer what became of the order."""
        instrument = in_path(symbol)
        Body(request.data, ()).check()
        sender = sender_of(request)
        command = executed(lambda: submission.close_position(sender, instrument))
        return order_answer(command, 201)


def in_path(symbol: str) -> Instrument:
    if "\0" in symbol:
        raise unknown_instrument(symbol)
    return tradable(symbol)
