"""What users do to bots while no runner runs them, with the real exchange."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.contrib.auth.models import User
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client

from exchange.matching import BUY, SELL
from exchange.models import Order
from exchange.tests.clients import MARK, funded, listed
from exchange.tests.trading import Exchange
from instruments.models import Instrument
from trading import acting
from trading.botdesk import BotDesk
from trading.brokers.inprocess import ExchangeBroker
from trading.core.orderstates import OrderState
from trading.core.risk.limits import Limits
from trading.core.strategies.orders import Order as Wanted
from trading.models import Bot, BotOrder, BotPosition, KillSwitch
from trading.opening import opened
from trading.sending import RiskRefusedError
from trading.tests.bots import bot
from trading.tests.running import now, running_exchange, wanted_bot
from trading.tickets import Wish
from venues.brokers import Broker, OrderSeen, Style

pytestmark = [
    pytest.mark.any_database,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("committed_log"),
]
RESTING = Wanted(BUY, Style.LIMIT, 3, MARK - 50, False)


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def traders(es: Instrument) -> list[Bot]:
    """Two bots, each with an account of its own."""
    return [wanted_bot(funded(name), name) for name in ("b1", "b2")]


@pytest.fixture
def exchange(es: Instrument, traders: list[Bot]) -> Iterator[Exchange]:
    with running_exchange(es) as exchange:
        yield exchange


def place(of: Bot, es: Instrument, order: Wanted) -> BotOrder:
    async def placed() -> BotOrder:
        async with opened(of) as broker:
            wish = Wish(instrument=es, order=order, strategy="test")
            return await BotDesk(of, broker, now).place(wish, Limits())

    return async_to_sync(placed)()


def shown(answer: Any) -> str:
    return str(answer.content.decode())


@pytest.mark.both_databases
def test_the_kill_switch_flattens_all_bots_and_blocks_them(
    exchange: Exchange, traders: list[Bot], es: Instrument
) -> None:
    for each, side in zip(traders, (BUY, SELL), strict=True):
        place(each, es, Wanted(side, Style.MARKET, 2, 0, False))
        place(each, es, RESTING)
    call_command("killswitch", "--reason", "drill")
    assert not Order.objects.open().exists()
    assert not BotPosition.objects.live().exists()
    assert KillSwitch.objects.get().reason == "drill"
    with pytest.raises(RiskRefusedError, match=r"bot\.kill_switch.*all\.kill_switch"):
        place(traders[0], es, RESTING)
    call_command("killswitch", "--release")
    place(traders[0], es, RESTING)


def test_the_kill_switch_of_one_bot_leaves_the_others(
    exchange: Exchange, traders: list[Bot], es: Instrument
) -> None:
    for each in traders:
        place(each, es, RESTING)
    call_command("killswitch", "b1")
    assert list(Order.objects.open().values_list("account__name", flat=True)) == ["b2"]


def test_a_bot_without_a_venue_is_blocked_all_the_same(es: Instrument) -> None:
    bot("lost")
    with pytest.raises(CommandError, match="blocked, but not flat: lost: bot lost has no account"):
        call_command("killswitch")
    assert KillSwitch.objects.on().exists()


def test_orders_are_cancelled_and_positions_closed_one_by_one(
    exchange: Exchange, traders: list[Bot], es: Instrument
) -> None:
    resting = place(traders[0], es, RESTING)
    acting.cancel(BotOrder.objects.select_related("bot__account").get(pk=resting.pk))
    assert BotOrder.objects.get().state == OrderState.CANCELLED
    place(traders[0], es, Wanted(SELL, Style.MARKET, 2, 0, False))
    held = BotPosition.objects.live().select_related("bot__account", "instrument").get()
    acting.close(held)
    assert not BotPosition.objects.live().exists()
    report = acting.recover_now(traders[0], "me")
    assert (report.findings, report.open_findings) == ([], 0)


def test_an_order_is_amended_and_a_position_reversed_over_http(
    exchange: Exchange, traders: list[Bot], es: Instrument, client: Client
) -> None:
    client.force_login(User.objects.create_superuser("admin"))
    resting = place(traders[0], es, RESTING)
    path = f"/api/v1/trading/orders/{resting.pk}/"
    tiny, huge = {"quantity": "1e-999999999"}, {"price": "1e999"}
    for wrong in ({}, {"price": 0.1}, {"quantity": -1}, {"price": "x"}, tiny, huge):
        assert client.patch(path, wrong, "application/json").status_code == 400
    changed = client.patch(path, {"quantity": 2}, "application/json").json()
    assert (changed["quantity"], changed["state"]) == (2, "placed")
    beyond = client.patch(path, {"quantity": 10_000}, "application/json")
    assert beyond.status_code == 409
    assert "bot.max_exposure" in beyond.json()["detail"]
    assert Order.objects.open().get(account__name="b1").lots == 2
    page = f"/trading/orders/{resting.pk}/"
    for given, problem in (("0.5", "multiple of 1"), ("1e30", "too large"), ("1e-99", "multiple")):
        answer = client.post(page, {"action": "amend", "quantity": given, "price": ""})
        assert (answer.status_code, problem in shown(answer)) == (400, True), given
    risky = client.post(page, {"action": "amend", "quantity": "10000"}, follow=True)
    assert "bot.max_exposure" in shown(risky)
    amended = client.post(page, {"action": "amend", "quantity": "1", "price": ""}, follow=True)
    assert "The order is changed." in shown(amended)
    assert Order.objects.open().get(account__name="b1").lots == 1
    client.delete(path)
    late = client.post(page, {"action": "amend", "quantity": "2"}, follow=True)
    assert "The order is cancelled already." in shown(late)
    assert client.patch(path, {"quantity": 1}, "application/json").status_code == 409
    place(traders[0], es, Wanted(BUY, Style.MARKET, 2, 0, False))
    held = BotPosition.objects.live().get()
    reverse = f"/api/v1/trading/positions/{held.pk}/reverse/"
    assert client.post(reverse, {}, "application/json").json()["state"] == "closed"
    held = BotPosition.objects.live().get()
    assert held.lots == -2
    listed_page = shown(client.get("/trading/positions/"))
    assert f"/trading/positions/{held.pk}/close/" in listed_page
    for action, left in (("reverse", [2]), ("close", [])):
        done = client.post(f"/trading/positions/{held.pk}/{action}/", follow=True)
        assert "market" in shown(done) or "opposite" in shown(done)
        assert [each.lots for each in BotPosition.objects.live()] == left
        held = BotPosition.objects.latest("pk")
        assert done.redirect_chain == [(f"/trading/positions/{held.pk}/#notes", 302)]
    gone = client.post(f"/trading/positions/{held.pk}/reverse/", follow=True)
    assert "holds nothing any more" in shown(gone)


def test_an_unexpected_error_of_one_bot_does_not_keep_the_others_from_being_flattened(
    exchange: Exchange, traders: list[Bot], es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    cancel = ExchangeBroker.cancel

    async def malformed(broker: ExchangeBroker, client_id: str) -> OrderSeen:
        if client_id == first.client_id:
            raise KeyError("order_id")
        return await cancel(broker, client_id)

    monkeypatch.setattr(ExchangeBroker, "cancel", malformed)
    first = place(traders[0], es, RESTING)
    for each in traders:
        place(each, es, RESTING)
    done = acting.kill(traders, bot=None, actor="me", reason="")
    assert [(each.bot.name, each.error) for each in done] == [("b1", "'order_id'"), ("b2", "")]
    assert list(BotOrder.objects.working()) == [first]


def test_a_venue_that_cannot_be_opened_in_time_is_an_answer(
    traders: list[Bot], monkeypatch: pytest.MonkeyPatch
) -> None:
    @asynccontextmanager
    async def never_opened(_: Bot) -> AsyncGenerator[Broker, None]:
        await asyncio.sleep(5)
        raise AssertionError("nobody ended the wait")
        yield

    monkeypatch.setattr(acting, "opened", never_opened)
    monkeypatch.setattr(acting, "LONGEST_S", 0.01)
    with pytest.raises(acting.TooLongError, match="bot b1 has not answered"):
        acting.recover_now(traders[0], "me")
