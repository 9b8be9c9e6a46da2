"""Intentions become orders: refused and logged, or committed before they are sent."""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import pytest
from channels.db import database_sync_to_async

from exchange.kinds import MONEY_UNITS
from exchange.matching import BUY, SELL
from exchange.tests.clients import MARK, funded, listed
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from trading.brokers.inprocess import ExchangeBroker
from trading.core.orderstates import OrderState
from trading.core.positionstates import PositionState
from trading.core.risk.limits import Limits
from trading.core.risk.portfolio import Portfolio, Proposal
from trading.following import Follower
from trading.models import AuditEntry, BotOrder, BotPosition
from trading.sending import Intention, RiskRefusedError, Scope, check, commit, send
from trading.tests.bots import NOW, bot
from venues.brokers import Style

T = TypeVar("T")
U = MONEY_UNITS


async def in_thread(call: Callable[..., T], *args: Any) -> T:
    """Call a function that uses the database, and give its connection back."""
    result: T = await database_sync_to_async(call)(*args)
    return result


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def exchange(es: Instrument) -> Iterator[Exchange]:
    with open_exchange(es) as exchange:
        exchange.provide("ES", BUY, MARK - 1, 50)
        exchange.provide("ES", SELL, MARK + 1, 50)
        with exchange.running():
            yield exchange


def intention(es: Instrument, client_id: str = "b1-1", **more: Any) -> Intention:
    known: dict[str, Any] = {"side": BUY, "style": Style.MARKET, "lots": 5, "client_id": client_id}
    return Intention(bot=bot(), instrument=es, **known | more)


@pytest.mark.django_db
def test_a_refusal_names_scope_and_rule_and_is_logged(es: Instrument) -> None:
    wanted = intention(es)
    portfolio = Portfolio(equity=100 * U, peak=100 * U, is_killed=True)
    scopes = [
        Scope(name="bot", portfolio=portfolio, limits=Limits(min_order=5 * U)),
        Scope(name="all", portfolio=portfolio, limits=Limits()),
    ]
    proposal = Proposal(symbol="ES", side=BUY, value=U)
    with pytest.raises(RiskRefusedError, match=r"bot\.kill_switch: .*bot\.min_order: .*all\.kill"):
        check(wanted, proposal, scopes, NOW)
    entry = AuditEntry.objects.get()
    assert (entry.action, entry.bot) == ("refuse", wanted.bot.pk)
    assert "bot.min_order" in entry.detail
    assert not BotOrder.objects.exists()


@pytest.mark.django_db
def test_a_committed_order_has_a_position_and_a_log_entry(es: Instrument) -> None:
    order = commit(intention(es), NOW)
    assert (order.state, order.sent_at) == (OrderState.PENDING, NOW)
    assert order.position is not None
    assert order.position.state == PositionState.OPENING
    assert AuditEntry.objects.get().action == "place"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed_log")
async def test_an_order_is_sent_filled_and_booked(exchange: Exchange, es: Instrument) -> None:
    broker = ExchangeBroker(await in_thread(funded))
    wanted = await in_thread(intention, es)
    follower = Follower(wanted.bot, lambda: NOW)
    order = await in_thread(commit, wanted, NOW)
    assert await send(broker, follower, order)
    stored = await in_thread(BotOrder.objects.get)
    assert (stored.state, stored.filled) == (OrderState.FILLED, 5)
    held = await in_thread(BotPosition.objects.get)
    assert (held.state, held.lots) == (PositionState.OPEN, 5)
    (there,) = await broker.positions()
    assert (held.cost, held.fees, held.realised) == (there.cost, there.fees, there.realised)
    broker.close()


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("committed_log")
async def test_an_order_without_an_answer_stays_pending(
    es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trading.sending.FIRST_PAUSE_S", 0.001)
    broker = ExchangeBroker(await in_thread(funded), timeout_s=0.001)  # nobody executes commands
    wanted = await in_thread(intention, es)
    order = await in_thread(commit, wanted, NOW)
    assert not await send(broker, Follower(wanted.bot, lambda: NOW), order)
    assert (await in_thread(BotOrder.objects.get)).state == OrderState.PENDING
    broker.close()
