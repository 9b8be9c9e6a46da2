"""Computations of the trading page, in Node without a page."""

import random
from typing import Any

import pytest

from exchange.clearing.margin import TIERS, initial_margin
from exchange.kinds import MONEY_UNITS
from rig.modules import run_module

pytestmark = pytest.mark.processes
ES = {"tickSize": "0.25", "lotSize": "1", "precision": 2}
BTC = {"tickSize": "0.5", "lotSize": "0.001", "precision": 1}
TIER_LIST = [{"limit": t.limit // MONEY_UNITS, "leverage": t.leverage} for t in TIERS]
LIMIT = {"id": 7, "quantity": 2, "price": 5000.25, "trigger_price": None, "state": "new"}
STOP = {"id": 8, "quantity": 2, "price": None, "trigger_price": 4990, "state": "untriggered"}


def problems(fields: dict[str, Any], sizes: dict[str, Any] = ES) -> Any:
    body = """
        const { problemsOf } = await import("./trading/lattice.js");
        return problemsOf(input.fields, input.sizes);"""
    return run_module(body, {"fields": fields, "sizes": sizes})


def test_numbers_off_the_lattice_are_refused_in_the_words_of_the_server() -> None:
    assert problems({"side": "buy", "quantity": "1", "price": "5000.25"}) == {}
    assert problems({"quantity": "0.30", "price": "97000.5"}, BTC) == {}
    assert problems({"quantity": "0.0005", "price": "0.1", "trigger_price": "0"}, BTC) == {
        "quantity": "0.0005 is not a multiple of 0.001",
        "price": "0.1 is not a multiple of 0.5",
        "trigger_price": "0 is not positive",
    }
    assert problems({"quantity": "", "price": "5000.1", "trigger_price": "-1"}) == {
        "quantity": "is missing",
        "price": "5000.1 is not a multiple of 0.25",
        "trigger_price": "-1 is not a decimal number such as 12.5",
    }
    assert problems({"quantity": "1e3", "price": "NaN"}).keys() == {"quantity", "price"}


@pytest.mark.parametrize(
    ("order", "texts", "fields", "changes"),
    [
        (LIMIT, {"quantity": "2", "price": "5000.250"}, ["quantity", "price"], {}),
        (LIMIT, {"quantity": "3", "price": "5000.25"}, ["quantity", "price"], {"quantity": "3"}),
        (
            STOP,
            {"quantity": "2", "trigger_price": "4991.00"},
            ["quantity", "trigger_price"],
            {"trigger_price": "4991.00"},
        ),
    ],
)
def test_change_of_an_order_names_only_what_differs(
    order: dict[str, Any], texts: dict[str, str], fields: list[str], changes: dict[str, str]
) -> None:
    body = """
        const { changesOf, fieldsOf } = await import("./trading/amendments.js");
        const { order, texts } = input;
        return [fieldsOf(order).map(({ name }) => name), changesOf(order, texts)];"""
    assert run_module(body, {"order": order, "texts": texts}) == [fields, changes]


def test_initial_margin_equals_that_of_the_exchange_in_every_tier() -> None:
    chance = random.Random(5)
    cases = [(chance.randrange(150_000_000), chance.randint(1, 100)) for _ in range(200)]
    body = """
        const { initialMargin } = await import("./trading/margin.js");
        const { cases, tiers } = input;
        return cases.map(([value, leverage]) => initialMargin(value, leverage, tiers));"""
    found = run_module(body, {"cases": cases, "tiers": TIER_LIST})
    for (value, leverage), margin in zip(cases, found, strict=True):
        exact = initial_margin(value * MONEY_UNITS, leverage) / MONEY_UNITS
        assert margin == pytest.approx(exact, abs=1e-6), (value, leverage)


@pytest.mark.parametrize(
    ("held", "reduces", "buy", "sell"),
    [(0, False, 1_000, 1_000), (3, False, 1_000, 0), (-1, False, 500, 1_000), (3, True, 0, 0)],
)
def test_only_what_an_order_opens_needs_margin(
    held: int, reduces: bool, buy: float, sell: float
) -> None:
    body = """
        const { marginOfOrder } = await import("./trading/margin.js");
        const { held, reduces, tiers } = input;
        const holding = { held, mark: 5000, leverage: 10 };
        const order = { quantity: 2, price: 5000, reduces };
        return ["buy", "sell"].map((side) => marginOfOrder({ side, ...order }, holding, tiers));"""
    given = {"held": held, "reduces": reduces, "tiers": TIER_LIST}
    assert run_module(body, given) == [buy, sell]


def test_prices_of_every_instrument_keep_their_trailing_zeros() -> None:
    body = """
        globalThis.navigator ??= { languages: ["en"] }; // Node 20 has none
        const { Formats } = await import("./trading/prices.js");
        const formats = new Formats(input);
        return [["ES", 5000], ["BTC", 97000], ["ES", 5000.125], ["NEW", 1.5]].map(
          ([symbol, price]) => formats.price(symbol, price));"""
    assert run_module(body, {"ES": ES, "BTC": BTC}) == ["5000.00", "97000.0", "5000.1250", "1.5"]


def test_wheel_and_finger_scroll_whole_rows_and_keep_the_rest() -> None:
    body = """
        const { Rows } = await import("./trading/row-scroll.js");
        const rows = new Rows();
        return [10, 10, 10, 50, -5, -20].map((px) => rows.take(px, 24));"""
    assert run_module(body) == [0, 0, 1, 2, 0, -1]


def test_polling_reads_trades_until_it_has_the_newest_one() -> None:
    body = """
        const newest = 12_345;
        const asked = [];
        globalThis.fetch = async (address) => {
          const { pathname, searchParams } = new URL(address, "http://page");
          if (pathname.endsWith("/book/")) return { ok: false }; // not recorded yet
          const since = Number(searchParams.get("since_seq"));
          asked.push(since);
          const count = Math.min(Number(searchParams.get("limit")), newest - since);
          const rows = Array.from({ length: count }, (_, i) => [since + i + 1, 0, 5000, 1, "buy"]);
          return { ok: true, json: async () => ({ rows }) };
        };
        const { MarketFeed } = await import("./trading/market-feed.js");
        const feed = new MarketFeed({ symbol: "ES", tickSize: 0.25, lastTrade: 100 });
        const seqs = [];
        feed.addEventListener("trades", ({ detail }) => {
          for (const [seq] of detail.rows) seqs.push(seq);
        });
        await feed.poll();
        await feed.poll();
        return { asked, first: seqs[0], last: seqs.at(-1), count: seqs.length };"""
    assert run_module(body) == {
        "asked": [50, 5_050, 10_050, 12_345],
        "first": 51,
        "last": 12_345,
        "count": 12_295,
    }


def test_readings_name_the_chosen_account_and_those_of_another_are_dropped() -> None:
    body = """
        const asked = new Set();
        globalThis.fetch = async (address, { headers }) => {
          const name = headers["X-Account"];
          asked.add(name);
          await new Promise((resolve) => setTimeout(resolve, name === "first" ? 20 : 0));
          const answer = {
            "orders/": { columns: ["id", "state"], rows: [[name, "new"]] },
            "positions/": { columns: ["symbol", "quantity", "leverage"], rows: [["ES", 0, 25]] },
            "executions/": { columns: ["seq"], rows: [] },
            "balance/": { balance: 1 },
          }[address.split("?")[0].replace("/api/v1/", "")];
          return { ok: true, status: 200, json: async () => answer };
        };
        const { Account } = await import("./trading/account.js");
        const account = new Account("first");
        const shown = new Set();
        account.addEventListener("change", () => account.orders.forEach(({ id }) => shown.add(id)));
        account.refresh();
        await account.choose("second");
        return { asked: [...asked], shown: [...shown], leverage: account.leverage("ES") };"""
    assert run_module(body) == {"asked": ["first", "second"], "shown": ["second"], "leverage": 25}
