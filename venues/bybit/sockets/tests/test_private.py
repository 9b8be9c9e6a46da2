"""Private topics: what happens to an account, in the rows of REST, once and in order."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from exchange.accounts import submission
from exchange.accounts.submission import NewOrder, Sender
from exchange.clearing.orders import OrderType
from exchange.engine.messages import BUY, SELL, TimeInForce
from exchange.tests.clients import MARK
from venues.bybit.accounts import executionrows
from venues.bybit.accounts.executions import executions_as_rows
from venues.bybit.accounts.orderrows import REST_ONLY, order_rows
from venues.bybit.sockets.accountevents import FAST_FIELDS
from venues.bybit.sockets.tests.talking import PRIVATE, Bot, connected, listed
from venues.bybit.tests.test_documented_fields import names
from venues.tests.markets import in_thread, market

pytestmark = pytest.mark.django_db(transaction=True)
DOCUMENTED = json.loads((Path(__file__).parent / "documented_topics.json").read_text())
"""Members of the messages of each topic, from Bybit's documentation of July 2026."""
TOPICS = ("order", "execution", "execution.fast", "position", "wallet")


@pytest.fixture
def btcusdt():
    return listed()


@pytest.fixture
def bot(btcusdt):
    return Bot()


def place(bot, instrument, side, lots, ticks=0, **fields):
    kind = OrderType.LIMIT if ticks else OrderType.MARKET
    order = NewOrder(instrument=instrument, side=side, type=kind, lots=lots, ticks=ticks, **fields)
    return submission.place(Sender(account=bot.account), order)


async def test_a_fill_is_seen_on_every_topic(btcusdt, bot):
    async with market(btcusdt, is_running=False) as exchange, connected(PRIVATE) as client:
        await client.ask(bot.login())
        await client.follow(*TOPICS)
        command = await in_thread(place, bot, btcusdt, BUY, 60)
        await in_thread(exchange.execute)
        seen = {}
        while set(seen) != set(TOPICS):
            message = await client.hear(lambda message: "topic" in message)
            seen.setdefault(message["topic"], message)
    (order,) = seen["order"]["data"]
    key = str(command.order_id)
    assert (order["orderId"], order["orderStatus"], order["category"]) == (key, "Filled", "linear")
    assert (order["cumExecQty"], order["leavesQty"], order["avgPrice"]) == (
        "0.060", "0", "2000.11667",
    )  # fmt: skip
    fills = seen["execution"]["data"]
    assert [fill["execQty"] for fill in fills] == ["0.050", "0.010"]
    assert [fill["leavesQty"] for fill in fills] == ["0.010", "0"]
    fast = seen["execution.fast"]["data"]
    assert [tuple(row) for row in fast] == [FAST_FIELDS] * 2
    (position,) = seen["position"]["data"]
    assert (position["symbol"], position["side"], position["size"]) == ("BTCUSDT", "Buy", "0.060")
    (wallet,) = seen["wallet"]["data"]
    assert 99_999 < float(wallet["coin"][0]["walletBalance"]) < 100_000
    for topic, message in seen.items():
        found = {name for name in names(message) if not name.startswith("data.cumFeeDetail.")}
        assert found == set(DOCUMENTED[topic]), topic


async def test_each_change_of_an_order_is_shown_as_it_was(btcusdt, bot):
    """Events are read after all of them have happened: each still has its own state."""
    async with market(btcusdt, is_running=False) as exchange, connected(PRIVATE) as client:
        await client.ask(bot.login())
        await client.follow("order.linear")
        command = await in_thread(place, bot, btcusdt, BUY, 30, MARK)
        await in_thread(exchange.execute)
        await in_thread(exchange.trade, "BTCUSDT", SELL, 10)
        await in_thread(exchange.trade, "BTCUSDT", SELL, 5)
        await in_thread(submission.cancel, Sender(account=bot.account), command.order)
        await in_thread(exchange.execute)
        rows = await client.topic("order.linear", 4)
    assert [row["orderStatus"] for row in rows] == [
        "New", "PartiallyFilled", "PartiallyFilled", "Cancelled",
    ]  # fmt: skip
    assert [row["cumExecQty"] for row in rows] == ["0", "0.010", "0.015", "0.015"]
    assert [row["cumExecValue"] for row in rows] == ["0", "20", "30", "30"]
    assert [row["leavesQty"] for row in rows] == ["0.030", "0.020", "0.015", "0"]
    assert rows[-1]["cancelType"] == "CancelByUser"


async def test_the_last_row_of_an_order_is_that_of_rest(btcusdt, bot):
    async with market(btcusdt, is_running=False) as exchange, connected(PRIVATE) as client:
        await client.ask(bot.login())
        await client.follow("order", "execution")
        await in_thread(place, bot, btcusdt, BUY, 60)
        await in_thread(place, bot, btcusdt, SELL, 60)
        await in_thread(exchange.execute)
        orders = await client.topic("order", 2)
        fills = await client.topic("execution", 4)

    def over_rest():
        mine = list(bot.account.orders.select_related("instrument").order_by("pk"))
        from exchange.models import Execution

        newest = list(Execution.objects.filter(account=bot.account.pk).order_by("-number"))
        return (
            order_rows(mine, {btcusdt.pk: btcusdt.lattice}),
            executions_as_rows(bot.account, newest)[::-1],
        )

    rows, executions = await in_thread(over_rest)
    assert [shared(row) for row in orders] == [shared(row) for row in rows]
    assert [shared(row) for row in fills] == [shared(row) for row in executions]
    assert [row["closedPnl"] for row in orders] == ["0", closed_pnl(fills)]
    assert [fill["closedSize"] for fill in fills] == ["0", "0", "0.050", "0.010"]


def shared(row):
    """Return what a row of a topic and one of REST have in common."""
    alone = ("category", "brokerOrderPrice", "closedPnl", "feeCurrency")
    apart = (*alone, *REST_ONLY, *executionrows.REST_ONLY)
    return {name: row[name] for name in row if name not in apart}


def closed_pnl(fills):
    """Return what executions earned by closing, after their fees: those that close, close fully."""
    closing = [fill for fill in fills if fill["closedSize"] != "0"]
    earned = sum(Decimal(fill["execPnl"]) - Decimal(fill["execFee"]) for fill in closing)
    return f"{earned.normalize():f}"


async def test_orders_that_were_refused_at_once_are_not_shown(btcusdt, bot):
    async with market(btcusdt, is_running=False) as exchange, connected(PRIVATE) as client:
        await client.ask(bot.login())
        await client.follow("order")
        await in_thread(place, bot, btcusdt, BUY, 5, 10**6)  # beyond the price band
        post_only = TimeInForce.POST_ONLY
        await in_thread(place, bot, btcusdt, BUY, 5, MARK + 1, tif=post_only)  # it would take
        await in_thread(place, bot, btcusdt, BUY, 5, MARK - 9)
        await in_thread(exchange.execute)
        rows = await client.topic("order", 2)
    assert [row["orderStatus"] for row in rows] == ["Cancelled", "New"]
    assert rows[0]["rejectReason"] == "EC_PostOnlyWillTakeLiquidity"


async def test_topics_of_another_category_are_silent_and_accounts_are_apart(btcusdt, bot):
    other = await in_thread(Bot, "other")
    async with (
        market(btcusdt, is_running=False) as exchange,
        connected(PRIVATE) as mine,
        connected(PRIVATE) as theirs,
    ):
        await mine.ask(bot.login())
        await mine.follow("order.spot", "execution.linear")
        await theirs.ask(other.login())
        await theirs.follow("order")
        await in_thread(place, bot, btcusdt, BUY, 1)
        await in_thread(place, other, btcusdt, BUY, 2)
        await in_thread(exchange.execute)
        first = await mine.hear(lambda message: "topic" in message)
        (row,) = await theirs.topic("order")
    assert first["topic"] == "execution.linear"
    assert row["qty"] == "0.002"


async def test_two_sockets_of_an_account_share_what_is_read(btcusdt, bot):
    async with (
        market(btcusdt, is_running=False) as exchange,
        connected(PRIVATE) as first,
        connected(PRIVATE) as second,
    ):
        for client in (first, second):
            await client.ask(bot.login())
            await client.follow("order", "position")
        await in_thread(place, bot, btcusdt, BUY, 1)
        await in_thread(exchange.execute)
        messages = [
            await client.hear(lambda message: message.get("topic") == "order")
            for client in (first, second)
        ]
    assert messages[0] == messages[1]
