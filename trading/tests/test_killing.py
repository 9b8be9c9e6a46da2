"""The kill switch blocks first, and leaves nothing open."""

from collections.abc import Iterator

import pytest

from exchange.matching import BUY, SELL
from exchange.models import Account
from exchange.tests.clients import MARK, funded, listed
from exchange.tests.trading import Exchange, open_exchange
from instruments.models import Instrument
from trading.brokers.inprocess import ExchangeBroker
from trading.killing import clear, release, throw
from trading.models import AuditEntry, KillSwitch
from trading.tests.bots import NOW, bot
from venues.brokers import Instruction, Style


@pytest.mark.django_db
def test_a_switch_stops_its_bot_or_all() -> None:
    one, other = bot("b1"), bot("b2")
    throw(bot=one, actor="me", reason="test", at=NOW)
    assert KillSwitch.objects.stops(one)
    assert not KillSwitch.objects.stops(other)
    throw(bot=None, actor="me", reason="test", at=NOW)
    assert KillSwitch.objects.stops(other)
    assert release(bot=None, actor="me", at=NOW)
    assert KillSwitch.objects.stops(one)
    assert not KillSwitch.objects.stops(other)


@pytest.mark.django_db
@pytest.mark.parametrize("of_all", [True, False])
def test_throwing_twice_is_one_switch_and_one_entry(of_all: bool) -> None:
    which = None if of_all else bot()
    first = throw(bot=which, actor="me", reason="", at=NOW)
    assert throw(bot=which, actor="them", reason="", at=NOW) == first
    assert release(bot=which, actor="me", at=NOW)
    assert not release(bot=which, actor="me", at=NOW)
    assert throw(bot=which, actor="me", reason="", at=NOW) != first
    actions = AuditEntry.objects.order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["kill", "release", "kill"]


@pytest.mark.django_db
def test_a_long_reason_does_not_keep_the_switch_from_blocking() -> None:
    assert len(throw(bot=None, actor="me", reason="x" * 1000, at=NOW).reason) == 200


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def account(es: Instrument) -> Account:
    return funded()


@pytest.fixture
def exchange(es: Instrument) -> Iterator[Exchange]:
    with open_exchange(es) as exchange:
        exchange.provide("ES", BUY, MARK - 1, 50)
        exchange.provide("ES", SELL, MARK + 1, 50)
        with exchange.running():
            yield exchange


@pytest.mark.django_db(transaction=True)
async def test_nothing_is_left_open(exchange: Exchange, account: Account) -> None:
    broker = ExchangeBroker(account)
    resting = Instruction(
        client_id="a", symbol="ES", side=BUY, style=Style.LIMIT, lots=3, ticks=MARK - 5
    )
    await broker.place(resting)
    await broker.place(
        Instruction(client_id="b", symbol="ES", side=SELL, style=Style.MARKET, lots=7)
    )
    assert await clear(broker, "kill-1") == ([], [])
    assert await clear(broker, "kill-1") == ([], [])
    broker.close()
