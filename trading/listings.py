"""Orders, positions, the audit log and recoveries of bots as users see them."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import orjson

from archive.listings import FLAG, INTEGER, NUMBER, TEXT, TIME, Cell, Listing
from exchange.accounts.amounts import average, average_cost, money, price
from exchange.accounts.listings import SIDES
from exchange.accounts.loading import tick_value
from market.times import to_microseconds
from trading.core.orderstates import OrderState
from trading.core.positionstates import PositionState
from trading.models import AuditEntry, Bot, BotOrder, BotPosition, Recovery, Transition
from trading.models.bots import OnDeath
from venues.brokers import Style

ORDER_WORDS: Final = {state: state.name.lower() for state in OrderState}
POSITION_WORDS: Final = {state: state.name.lower() for state in PositionState}
RULES: Final = {rule.name.lower(): rule for rule in OnDeath}


def order_values(order: BotOrder) -> tuple[Any, ...]:
    lattice = order.instrument.lattice
    return (
        order.pk,
        order.bot.name,
        order.client_id,
        order.instrument.symbol,
        order.strategy,
        SIDES[order.side],
        Style(order.style).name.lower(),
        price(lattice, order.ticks),
        lattice.quantity(order.lots),
        lattice.quantity(order.filled),
        order.reduce_only,
        ORDER_WORDS[OrderState(order.state)],
        order.trace_id,
        to_microseconds(order.created_at),
        to_microseconds(order.updated_at),
    )


ORDERS: Final[Listing[BotOrder]] = Listing(
    "bot-orders",
    (
        Cell("id", INTEGER),
        Cell("bot", TEXT),
        Cell("client_id", TEXT),
        Cell("symbol", TEXT),
        Cell("strategy", TEXT),
        Cell("side", TEXT, "buy or sell."),
        Cell("style", TEXT, "post_only, limit or market."),
        Cell("price", NUMBER),
        Cell("quantity", NUMBER),
        Cell("filled", NUMBER),
        Cell("reduce_only", FLAG),
        Cell("state", TEXT, ", ".join(ORDER_WORDS.values()) + "."),
        Cell("trace_id", TEXT),
        Cell("created_at", TIME, "Epoch ms."),
        Cell("updated_at", TIME, "Epoch ms."),
    ),
    order_values,
)


def unrealised(position: BotPosition, marks: Mapping[int, int]) -> Decimal | None:
    """Return the profit of closing a position at the mark; None without one."""
    mark = marks.get(position.instrument_id)
    if mark is None:
        return None
    return money(position.lots * mark * tick_value(position.instrument) - position.cost)


def position_values(position: BotPosition) -> tuple[Any, ...]:
    return (
        position.pk,
        position.bot.name,
        position.instrument.symbol,
        position.strategy,
        POSITION_WORDS[PositionState(position.state)],
        position.instrument.lattice.quantity(position.lots),
        average_cost(position.instrument.lattice, position.cost, position.lots),
        money(position.realised),
        money(position.fees),
        to_microseconds(position.opened_at),
        None if position.closed_at is None else to_microseconds(position.closed_at),
    )


POSITIONS: Final[Listing[BotPosition]] = Listing(
    "bot-positions",
    (
        Cell("id", INTEGER),
        Cell("bot", TEXT),
        Cell("symbol", TEXT),
        Cell("strategy", TEXT),
        Cell("state", TEXT, ", ".join(POSITION_WORDS.values()) + "."),
        Cell("quantity", NUMBER, "Negative if short."),
        Cell("entry_price", NUMBER, "Average."),
        Cell("realised", NUMBER),
        Cell("fees", NUMBER, "Paid."),
        Cell("opened_at", TIME, "Epoch ms."),
        Cell("closed_at", TIME, "Epoch ms."),
    ),
    position_values,
)


def audit_values(entry: AuditEntry) -> tuple[Any, ...]:
    return (
        entry.seq,
        to_microseconds(entry.at),
        entry.actor,
        entry.action,
        entry.bot or None,
        entry.trace_id,
        entry.detail,
        entry.hash,
    )


AUDIT: Final[Listing[AuditEntry]] = Listing(
    "audit",
    (
        Cell("seq", INTEGER),
        Cell("at", TIME, "Epoch ms."),
        Cell("actor", TEXT, "User, bot or process."),
        Cell("action", TEXT),
        Cell("bot", INTEGER, "Its id; null: of no single bot."),
        Cell("trace_id", TEXT),
        Cell("detail", TEXT, "JSON, as it was hashed."),
        Cell("hash", TEXT, "SHA-256 of the entry and of the hash before it."),
    ),
    audit_values,
    key="seq",
)


def recovery_values(recovery: Recovery) -> tuple[Any, ...]:
    return (
        recovery.pk,
        recovery.bot.name,
        recovery.actor,
        to_microseconds(recovery.began_at),
        to_microseconds(recovery.ended_at),
        recovery.orders,
        recovery.executions,
        recovery.open_findings,
        orjson.dumps(recovery.findings).decode(),
    )


RECOVERIES: Final[Listing[Recovery]] = Listing(
    "recoveries",
    (
        Cell("id", INTEGER),
        Cell("bot", TEXT),
        Cell("actor", TEXT, "User or process that asked for it."),
        Cell("began_at", TIME, "Epoch ms."),
        Cell("ended_at", TIME, "Epoch ms."),
        Cell("orders", INTEGER, "Working orders that were compared."),
        Cell("executions", INTEGER, "Executions that had been missed."),
        Cell("open_findings", INTEGER, "Findings that remain."),
        Cell("findings", TEXT, "JSON."),
    ),
    recovery_values,
)


def transition_record(row: Transition) -> dict[str, Any]:
    """Return a change of an order as JSON."""
    assert row.order is not None  # noqa: S101  # of an order
    lattice = row.order.instrument.lattice
    return {
        "version": row.version,
        "from": ORDER_WORDS[OrderState(row.source)],
        "to": ORDER_WORDS[OrderState(row.target)],
        "filled": lattice.quantity(row.filled),
        "cause": row.cause,
        "at": to_microseconds(row.at) // 1000,
        "trace_id": row.trace_id,
    }


def average_fill(order: BotOrder) -> Decimal | None:
    """Return the average price of what an order has filled."""
    value = sum(fill.ticks * fill.lots for fill in order.fills.all())
    return average(order.instrument.lattice, value, order.filled)


def bot_record(bot: Bot) -> dict[str, Any]:
    """Return a bot as JSON."""
    return {
        "id": bot.pk,
        "name": bot.name,
        "broker": bot.broker,
        "account": account.name if (account := bot.account or bot.venue_account) else None,
        "on_death": OnDeath(bot.on_death).name.lower(),
        "state": state_of(bot),
        "runner": bot.runner or None,
        "heartbeat_at": (
            None if bot.heartbeat_at is None else to_microseconds(bot.heartbeat_at) // 1000
        ),
        "equity": money(bot.equity),
        "problem": bot.problem or None,
    }


def state_of(bot: Bot) -> str:
    """Return whether a bot runs, and whether it should."""
    if bot.is_wanted:
        return "running" if bot.runner else "starting"
    return "stopping" if bot.runner else "stopped"
