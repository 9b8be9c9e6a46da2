"""The order-flow page of a live market in Chromium: exact bars, cache, resume, settings, replay."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Page, expect

from orderflow.tests.naivebars import bars_of
from rig.chromium import wait_in_page, watched_page
from rig.waiting import wait_until

PAGE = "/instruments/ES/orderflow/"
API = "/api/v1/instruments/ES/"
TICK = 0.25
MODULE = 'await import("/static/js/orderflow/orderflow.js")'
READY = "document.querySelector('#chart').dataset.from !== undefined"
BARS = f"""async () => {{
  const {{ chart }} = {MODULE};
  return chart.series.candles;
}}"""
SAME_AS_API = f"""async () => {{
  const {{ chart, settings }} = {MODULE};
  const {{ readBars }} = await import("/static/js/orderflow/bars.js");
  const query = `timeframe=${{settings.timeframe}}&step=${{settings.step}}&limit=60`;
  const table = await (await fetch(`/api/v1/instruments/ES/footprint/?${{query}}`)).json();
  const wanted = readBars(table, chart.look.sizes).slice(0, -1); // without the open one
  const {{ candles }} = chart.series;
  const first = candles.findIndex(({{ openedAt }}) => openedAt === wanted[0].openedAt);
  const shown = candles.slice(first, first + wanted.length);
  return shown.length === wanted.length && JSON.stringify(shown) === JSON.stringify(wanted);
}}"""
LOSE_BARS = f"""async (count) => {{
  const {{ barFeed, bars, stream, settings }} = {MODULE};
  const place = barFeed.places[barFeed.topic];
  bars.forget();
  bars.series.candles.splice(-count - 1); // the open one, and the newest closed ones
  barFeed.follow(settings.timeframe, settings.step, place - count);
  stream.renew();
}}"""
MESSAGE_AFTER_TRADES = f"""async () => {{
  const {{ bars }} = {MODULE};
  await new Promise((done) => bars.addEventListener("changed", done, {{ once: true }}));
  return document.querySelector("#chart-message").textContent;
}}"""
DETAIL = f"async (detail) => ({MODULE}).chart.footprint.detail === detail"
MEASURED = f"""async (titles) => {{
  const {{ chart }} = {MODULE};
  const isDrawn = (overlay) => chart.series.candles.some((bar) => overlay.at(bar) !== undefined);
  const found = chart.overlays.map(({{ title }}) => title);
  return found.join() === titles.join() && chart.overlays.every(isDrawn);
}}"""
COUNTS = f"async () => ({MODULE}).history_.counts"
OTHER_DATABASE = """async () => {
  const answer = (request) =>
    new Promise((done) => (request.onsuccess = () => done(request.result)));
  const database = await answer(indexedDB.open("orderflow"));
  const change = database.transaction(["rows", "held"], "readwrite");
  for (const entry of await answer(change.objectStore("rows").getAll())) {
    entry.row[5] += 1; // the volume
    change.objectStore("rows").put(entry);
  }
  for (const entry of await answer(change.objectStore("held").getAll())) {
    entry.ranges = entry.ranges.map(([from, to]) => [from, to, 1]);
    change.objectStore("held").put(entry);
  }
  await new Promise((done) => (change.oncomplete = done));
  database.close();
}"""
SHOWN = f"""async (moment) => {{
  const {{ chart, replay }} = {MODULE};
  if (moment !== null) await replay.seek(moment);
  const {{ market }} = replay;
  const side = (name, way) => {{
    const best = market.book.best(name);
    const prices = Array.from({{ length: 2000 }}, (_, i) => best + way * i);
    return prices.map((ticks) => [ticks * 0.25, market.book.quantity(name, ticks)])
      .filter(([, quantity]) => quantity);
  }};
  const bars = chart.series.candles;
  return {{
    moment: replay.moment, open: bars.at(-1), closed: bars.slice(0, -1),
    bids: side("bids", -1), asks: side("asks", 1), trades: market.newestTrades(20),
  }};
}}"""


@pytest.fixture
def flow(browser: Browser, market: str) -> Iterator[Page]:
    """The page with its newest bars, once the book has caught up with its quotes."""
    caught_up = "the book of ES has caught up with its quotes"
    wait_until(lambda: is_caught_up(market), caught_up, limit_s=300)
    with watched_page(browser) as page:
        opened(page, market + PAGE)
        yield page


def is_caught_up(market: str) -> bool:
    rows = read(market, "footprint/?limit=1")["rows"]
    return bool(rows) and rows[0][0] > read(market, "")["last_at"] - 61_000


def opened(page: Page, address: str) -> None:
    page.goto(address)
    page.wait_for_function(READY)


def read(market: str, path: str) -> Any:
    with urlopen(f"{market}{API}{path}") as answer:
        return json.load(answer)


def test_bars_are_exact_and_live_through_settings_reload_and_lost_connections(
    flow: Page, market: str
) -> None:
    expect(flow.locator("#connection")).to_have_attribute("data-state", "live")
    wait_in_page(flow, SAME_AS_API)
    seq = flow.evaluate(BARS)[-1]["lastSeq"]
    wait_in_page(
        flow, f"async (seq) => ({MODULE}).chart.series.candles.at(-1).lastSeq > seq", arg=seq
    )
    first, *_, last = flow.evaluate(BARS)
    assert first.keys() == last.keys()  # the chart library writes into what it is given
    flow.evaluate(LOSE_BARS, 5)
    wait_in_page(flow, SAME_AS_API)
    flow.evaluate(f"async () => ({MODULE}).barFeed.hear({{ type: 'gap', from_seq: 1, to_seq: 2 }})")
    wait_in_page(flow, SAME_AS_API)
    chart = flow.locator("#chart")
    chart.focus()
    for key, found in (("c", "cells=delta"), ("]", r"step=\d+"), ("v", "profile=session")):
        chart.press(key)
        expect(flow).to_have_url(re.compile(found))
    wait_in_page(flow, SAME_AS_API)
    flow.get_by_text("Layers").click()
    flow.get_by_label("Naked POCs").check()
    flow.get_by_label("Heat map of the book").uncheck()
    expect(flow).to_have_url(re.compile(r"show=profile\.delta"))
    address = flow.url
    flow.goto(market + PAGE)
    flow.wait_for_function(READY)
    counts = flow.evaluate(COUNTS)
    assert counts["cached"] > 100 > counts["read"]  # of the newest 160 bars
    flow.goto(f"{market}/livez")
    flow.evaluate(OTHER_DATABASE)
    opened(flow, market + PAGE)
    wait_in_page(flow, SAME_AS_API)  # what was copied from another database is not shown
    opened(flow, address)
    wait_in_page(flow, SAME_AS_API)
    assert flow.url == address
    expect(flow.get_by_label("Heat map of the book")).not_to_be_checked()


def test_bars_are_read_again_after_a_read_failed(flow: Page) -> None:
    answers = "**/footprint/sync/**"
    flow.route(answers, lambda route: route.fulfill(body="an outage"))
    flow.evaluate(LOSE_BARS, 5)
    flow.evaluate(f"async () => ({MODULE}).barFeed.hear({{ type: 'gap', from_seq: 1, to_seq: 2 }})")
    message = flow.locator("#chart-message")
    expect(message).to_contain_text("The order flow could not be read")
    assert "could not be read" in flow.evaluate(MESSAGE_AFTER_TRADES)
    flow.unroute(answers)
    expect(message).to_be_hidden(timeout=60_000)
    wait_in_page(flow, SAME_AS_API)


def test_keys_zoom_announce_and_show_tables(flow: Page, market: str) -> None:
    chart, told = flow.locator("#chart"), flow.locator("#announcer")
    chart.focus()
    chart.press("ArrowLeft")
    expect(told).to_contain_text(
        re.compile(r"close \d+\.\d\d, volume .*, delta .*, point of control")
    )
    chart.press("a")
    expect(flow).to_have_url(re.compile("anchor="))
    wait_in_page(flow, DETAIL, arg="text")
    for _ in range(8):
        chart.press("-")
        flow.evaluate("new Promise(requestAnimationFrame)")
    wait_in_page(flow, DETAIL, arg="colour")
    wait_in_page(flow, f"async () => ({MODULE}).chart.heat.grid?.columns.length > 200")
    for _ in range(12):
        chart.press("-")
        flow.evaluate("new Promise(requestAnimationFrame)")
    wait_in_page(flow, DETAIL, arg="candle")
    bars = flow.evaluate(f"async () => ({MODULE}).bars.series.candles.length")
    assert bars > 400  # older ones were read ahead
    flow.get_by_text("Measures", exact=True).click()
    flow.get_by_label("Adverse selection").check()
    expect(flow).to_have_url(re.compile("measures=adverse_selection"))
    wait_in_page(flow, MEASURED, arg=["Adverse selection", "Adverse selection, exact"])
    flow.keyboard.press("Escape")
    chart.press("t")
    expect(flow.locator("#chart-table")).to_be_focused()
    titles = flow.locator("#chart-table > table").first.locator("thead th")
    expect(titles.last).to_have_text("Adverse selection, exact")
    expect(flow.locator("#chart-table > table").first.locator("tbody tr").nth(5)).to_be_visible()
    rows = flow.locator("#rows-table tbody tr")
    expect(rows.first).to_contain_text(re.compile(r"^\d+\.\d\d"))
    chart.press("t")
    chart.press("h")
    expect(flow.locator("#help")).to_contain_text("replay from the cross-hair")
    flow.keyboard.press("Escape")
    flow.get_by_role("link", name="1w", exact=True).click()  # no bar of which is closed yet
    expect(chart).to_have_attribute("data-timeframe", "1w")
    expect(chart).to_have_attribute("data-candles", re.compile("^[12]$"))
    openings = flow.evaluate(f"async () => ({MODULE}).chart.series.candles.map((b) => b.openedAt)")
    week_ms = 7 * 86_400_000
    assert [(at + 3 * 86_400_000) % week_ms for at in openings] == [0] * len(openings)


def test_profile_of_a_range_is_exact_also_before_the_first_bar(flow: Page, market: str) -> None:
    """The volume before the bars that are loaded is read at once, and the bars are added to it."""
    newest = read(market, "footprint/?limit=2")["rows"][0][0]
    start, end = newest - 400 * 60_000, newest - 3 * 60_000
    span = f"profile_from={iso(start)}&profile_to={iso(end)}"
    opened(flow, f"{market}{PAGE}?step=1&profile=range&{span}")
    wait_in_page(flow, f"async () => ({MODULE}).chart.profile.profile?.from === {start}")
    wanted = read(market, f"profile/?start={start}&end={end}&step=1")
    rows = [[price, sell, buy] for price, sell, buy, _ in wanted["rows"]]
    wait_in_page(
        flow,
        f"""async ([rows, levels]) => {{
          const {{ cells, poc, valueLow, valueHigh }} = ({MODULE}).chart.profile.profile;
          const shown = cells.ticks.map((t, i) => [t / 4, cells.sell[i], cells.buy[i]]);
          const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);
          return same(shown, rows) && same([poc, valueLow, valueHigh].map((t) => t / 4), levels);
        }}""",
        arg=[rows, [wanted[name] for name in ("poc", "value_low", "value_high")]],
    )


def test_replay_is_exact_at_every_moment(flow: Page, market: str) -> None:
    """In bars of 5 minutes, from inside of one: at rest, playing, stepping, jumping back."""
    first = read(market, "footprint/?timeframe=5m&start=0&limit=30")["rows"][24][0]
    begin = first + 200_400
    opened(flow, f"{market}{PAGE}?timeframe=5m&step=2&speed=300&replay={iso(begin)}")
    check_replay(market, flow.evaluate(SHOWN, None), begin)
    flow.locator("#chart").press("t")
    for moment in (begin + 61_003, first + 300_000, begin + 5_000):
        shown = flow.evaluate(SHOWN, moment)
        check_replay(market, shown, moment)
        check_rows(flow, shown["open"])
    flow.keyboard.press("t")
    flow.get_by_role("button", name="Play", exact=True).click()
    wait_in_page(
        flow, f"async (moment) => ({MODULE}).replay.moment > moment", arg=first + 2 * 300_000
    )
    flow.get_by_role("button", name="Pause", exact=True).click()
    check_replay(market, flow.evaluate(SHOWN, None))
    flow.get_by_role("button", name="Next trade").click()
    flow.locator("#chart").press(",")
    shown = flow.evaluate(SHOWN, None)
    check_replay(market, shown)
    closed = shown["closed"]
    api = read(market, f"footprint/?timeframe=5m&step=2&end={shown['open']['openedAt']}&limit=5")
    assert [bar["openedAt"] for bar in closed[-5:]] == [row[0] for row in api["rows"]]
    for bar, row in zip(closed[-5:], api["rows"], strict=True):
        cells = zip(bar["cells"]["ticks"], bar["cells"]["sell"], bar["cells"]["buy"], strict=True)
        assert [[t * TICK, s, b] for t, s, b in cells] == [cell[:3] for cell in row[13]]
        assert [bar[n] for n in ("volume", "delta", "deltaMin", "deltaMax")] == row[5:9]
        assert [bar[n] * TICK for n in ("poc", "valueLow", "valueHigh")] == row[9:12]
    earliest = flow.evaluate(SHOWN, 1_000_000)  # long before anything was recorded
    check_replay(market, earliest)
    assert earliest["moment"] < first
    flow.get_by_role("button", name="Back to live").click()
    expect(flow.locator("#replay")).to_be_hidden()
    wait_in_page(flow, SAME_AS_API)


def iso(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%M:%S}.{ms % 1000:03d}Z"


def check_rows(page: Page, bar: dict[str, Any]) -> None:
    """Fail unless the table of rows is that of a bar."""
    rows = page.locator("#rows-table")
    opened = datetime.fromtimestamp(bar["openedAt"] / 1000, UTC)
    expect(rows.locator("caption")).to_contain_text(f"{opened:%H:%M}")
    prices = [f"{ticks * TICK:.2f}" for ticks in reversed(bar["cells"]["ticks"])]
    expect(rows.locator("tbody th")).to_have_text(prices)


def check_replay(market: str, shown: dict[str, Any], moment: int | None = None) -> None:
    """Fail unless the page shows what the API has of that moment."""
    at = shown["moment"]
    assert moment in (None, at)
    book = read(market, f"book/?depth=1000&at={iso(at)[:-1]}999Z")
    assert (shown["bids"], shown["asks"]) == (book["bids"], book["asks"])
    opened_at = at // 300_000 * 300_000
    rows = read(market, f"trades/?start={opened_at - 60_000}&end={at + 1}&limit=10000")["rows"]
    assert shown["trades"] == rows[-20:]
    trades = [
        (seq, ms, round(price / TICK), round(quantity), side)
        for seq, ms, price, quantity, side in rows
        if ms >= opened_at
    ]
    (bar,) = bars_of(trades, 300_000, 2)
    assert {name: shown["open"][name] for name in bar} == bar
