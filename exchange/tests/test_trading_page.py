"""The trading panels of an instrument page, in a real Chromium, in a live market."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from rig.chromium import wait_in_page, watched_page
from rig.fixtures import Cookie

PAGE = "/instruments/ES/"
BARRED = (
    "class { constructor() { setTimeout(() => (this.onclose ?? this.onerror)?.()); } close() {} }"
)
NO_SOCKET = f"window.WebSocket = {BARRED};"
NO_STREAMS = f"{NO_SOCKET} window.EventSource = {BARRED};"
HEAR_TRADES = """async (renewals) => {
  const { trading, stream } = await import("/static/js/instrument.js");
  const seqs = [];
  trading.feed.addEventListener("trades", ({ detail: { rows } }) => {
    seqs.push(...rows.map(([seq]) => seq));
  });
  const more = (count) => new Promise((resolve) => {
    const begun = seqs.length;
    const look = () => (seqs.length > begun + count ? resolve() : setTimeout(look, 20));
    look();
  });
  for (let i = 0; i < renewals; i += 1) {
    await more(3);
    stream.renew();
  }
  await more(3);
  return seqs;
}"""
SAME_BOOK = """async () => {
  const { trading: { feed: { book } } } = await import("/static/js/instrument.js");
  const answer = await (await fetch("/api/v1/instruments/ES/book/?depth=1000")).json();
  if (answer.seq !== book.seq) return false;
  const shown = (name, price) => book.quantity(name, book.ticks(price));
  const differs = (name) => answer[name].some(([price, lots]) => shown(name, price) !== lots);
  if (differs("bids") || differs("asks")) throw new Error(`the books of seq ${book.seq} differ`);
  return answer.bids.length > 10;
}"""
WHEEL = """(frame) => {
  const event = new WheelEvent("wheel", { deltaY: 96, bubbles: true, cancelable: true });
  return !frame.dispatchEvent(event); // whether the ladder took it, so that the page stands still
}"""
SWIPE = """(frame) => {
  const { left, top } = frame.getBoundingClientRect();
  const send = (type, y) => {
    const touch = new Touch({ identifier: 1, target: frame, clientX: left + 9, clientY: top + y });
    const touches = type === "touchend" ? [] : [touch];
    const taken = { touches, changedTouches: [touch], bubbles: true, cancelable: true };
    return !frame.dispatchEvent(new TouchEvent(type, taken));
  };
  send("touchstart", 300);
  const isTaken = [280, 240, 200].map((y) => send("touchmove", y));
  send("touchend", 200);
  return isTaken;
}"""
TEAR = """async () => {
  const { trading: { feed } } = await import("/static/js/instrument.js");
  feed.book.seq -= 1; // as if a delta had been lost
}"""


@pytest.fixture
def trading(browser: Browser, market: str, trader: Cookie) -> Iterator[Page]:
    """The page of ES with an account and a live book; it may log no error at all."""
    with watched_page(browser) as page:
        page.context.add_cookies([trader])
        opened(page, market)
        yield page


def opened(page: Page, market: str) -> None:
    page.goto(market + PAGE)
    expect(page.locator("#ladder tr[data-last]")).to_have_count(1)
    expect(page.locator("#book-note")).to_be_hidden()


def open_account(page: Page, market: str) -> None:
    """Open the page of ES with an account that has no order yet."""
    opened(page, market)
    page.get_by_role("button", name="Open a practice account").click()
    expect(page.locator("#equity")).to_have_text("10,000.00")
    expect(page.locator("#announcer")).to_have_text(re.compile("^The account .+ is open"))


def count_of(orders: Locator) -> int:
    """Return the number of open orders, of which the trader has at least one."""
    expect(orders.first).to_be_visible()
    return orders.count()


def cancels(page: Page) -> Locator:
    """Return the buttons that cancel, one for each open order."""
    return page.locator("#orders tbody").get_by_role("button", name="Cancel:")


def place_limit(page: Page, row: int = -3) -> str:
    """Bid at a price of the ladder; return the price."""
    page.locator("#ladder tbody tr").nth(row).locator(".bid").click()
    price = page.locator("#ticket [name=price]").input_value()
    page.get_by_role("button", name="Buy", exact=True).click()
    expect(page.locator("#ticket-message")).to_contain_text(f"Rests in the book: buy 1 at {price}")
    return price


def test_visitor_opens_account_places_and_cancels_order_and_trades(
    page: Page, market: str, trader: Cookie
) -> None:
    open_account(page, market)
    price = place_limit(page)
    own = page.locator("#ladder tr", has_text=price).locator(".mine-buy")
    expect(own).to_have_text("1")
    order = page.locator("#orders tbody tr")
    expect(order).to_contain_text(price)
    change_order(page, price)
    cancels(page).click()
    expect(order).to_have_text("No open order.")
    expect(own).to_have_text("")
    page.get_by_label("Market").check(force=True)
    page.get_by_role("button", name="Buy", exact=True).click()
    expect(page.locator("#ticket-message")).to_contain_text("Bought 1 at")
    expect(page.locator("#positions tbody tr")).to_contain_text("ES+1")
    expect(page.locator("#executions tbody tr")).to_contain_text("buy 1")
    expect(page.locator("#chart")).to_have_attribute("data-fills", "1")
    expect(page.locator("#sales [data-own]")).to_have_count(1)
    profit = page.locator("#positions tbody td:nth-of-type(5)")
    before = profit.inner_text()
    expect(profit).not_to_have_text(before)  # with the next quotes
    page.reload()
    expect(page.locator("#positions tbody tr")).to_contain_text("ES+1")
    page.get_by_role("button", name="Close the position").click()
    expect(page.locator("#positions tbody")).to_have_text("No position.")


def test_click_in_ladder_orders_only_with_one_click_orders_on(trading: Page) -> None:
    orders = cancels(trading)
    before = count_of(orders)
    switch = trading.get_by_label("One-click orders")
    expect(switch).not_to_be_checked()
    row = trading.locator("#ladder tbody tr").nth(2)
    row.locator(".ask").click()
    expect(trading.locator("#ticket [name=price]")).to_have_value(re.compile(r"\d"))
    expect(orders).to_have_count(before)
    switch.check()
    row.locator(".ask").dblclick()  # places one order
    expect(orders).to_have_count(before + 1)
    expect(orders.first).to_have_accessible_name("Cancel: sell 1 ES")
    trading.locator("#ladder .mine-sell", has_text="1").click()
    expect(orders).to_have_count(before)
    trading.reload()
    expect(switch).not_to_be_checked()


def test_ladder_works_by_keyboard(page: Page, market: str, trader: Cookie) -> None:
    open_account(page, market)  # others may have an order at the price
    ladder, told = page.locator("#ladder"), page.locator("#announcer")
    ladder.press("b")  # selects a price first
    expect(page.locator("#ladder tr[data-cursor]")).to_have_count(1)
    for key in ("PageDown", "ArrowDown", "ArrowUp"):
        ladder.press(key)
    expect(told).to_have_text(re.compile(r"^\d+\.\d\d: bid \d+"))
    price = page.locator("#ladder tr[data-cursor] .price").inner_text()
    ladder.press("b")
    expect(page.get_by_role("button", name="Buy", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    own = page.locator("#ladder tr[data-cursor] .mine-buy")
    expect(own).to_have_text("1")
    expect(page.locator("#ticket-message")).to_contain_text(f"buy 1 at {price}")
    page.keyboard.press("Escape")
    expect(ladder).to_be_focused()
    ladder.press("Delete")
    expect(own).to_have_text("")
    expect(page.locator("#ticket-message")).to_contain_text("Cancelled: buy 1 ES.")
    ladder.press("Home")
    expect(page.locator("#ladder tr[data-cursor]")).to_have_count(0)
    ladder.press("h")
    expect(page.locator("#help")).to_contain_text("In the order book")


def change_order(page: Page, price: str) -> None:
    """Change the only open order, a bid of 1 at `price`, by keyboard."""
    change = page.get_by_role("button", name="Change: buy 1 ES")
    change.press("Enter")
    form = page.get_by_role("form", name="Change: buy 1 ES")
    quantity, limit = form.get_by_label("Quantity"), form.get_by_label("Price")
    expect(quantity).to_be_focused()
    expect(limit).to_have_value(price)
    quantity.press("Escape")
    expect(form).to_have_count(0)
    expect(change).to_be_focused()
    change.press("Enter")
    limit.fill("5000.1")
    limit.press("Enter")
    expect(limit).to_have_accessible_description("5000.1 is not a multiple of 0.25")
    expect(limit).to_have_attribute("aria-invalid", "true")
    quantity.fill("2")
    limit.fill(price)
    limit.press("ArrowDown")
    limit.press("Enter")
    lower = f"{float(price) - 0.25:.2f}"
    expect(page.locator("#ticket-message")).to_have_text(f"Rests in the book: buy 2 at {lower}.")
    expect(page.locator("#orders tbody tr")).to_contain_text(f"buy 2{lower}")
    changed = page.get_by_role("button", name="Change: buy 2 ES")
    expect(changed).to_be_focused()
    changed.press("Enter")
    page.keyboard.press("ArrowDown")  # steps the quantity
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    expect(page.locator("#orders tbody tr")).to_contain_text(f"buy 1{price}")


def test_leverage_is_shown_and_changed_with_the_margin_of_the_order(trading: Page) -> None:
    leverage, margin = trading.get_by_label("Leverage"), trading.locator("#order-margin")
    trading.locator("#ticket [name=quantity]").fill("3")
    trading.locator("#ticket [name=price]").fill("5000")
    expect(leverage).to_have_value("10")
    expect(margin).to_have_text(re.compile(r"^buy 1,500\.00, sell "))  # the position is long
    leverage.fill("101")
    leverage.press("Enter")
    expect(leverage).to_have_accessible_description(re.compile("from 1 to 100"))
    leverage.press("Escape")
    expect(leverage).to_have_value("10")
    leverage.fill("25")
    leverage.press("Enter")
    expect(margin).to_have_text(re.compile(r"^buy 600\.00, sell "))
    trading.reload()
    expect(leverage).to_have_value("25")
    leverage.fill("10")
    trading.get_by_role("button", name="Set").click()
    expect(trading.get_by_role("button", name="Set")).to_be_disabled()
    expect(leverage).to_have_value("10")


def test_ladder_scrolls_by_wheel_and_touch_until_it_follows_again(trading: Page) -> None:
    ladder, centre = trading.locator("#ladder"), trading.get_by_role("button", name="Centre")
    last = trading.locator("#ladder tr[data-last]")
    for scroll, taken in ((WHEEL, True), (SWIPE, [True, True, True])):
        while last.count():
            assert ladder.evaluate(scroll) == taken
        expect(ladder).to_have_attribute("data-away", "")
        if scroll is WHEEL:
            centre.click()
        else:
            trading.locator("h1").click()  # the attention of the user is elsewhere
        expect(last).to_have_count(1)
        expect(ladder).not_to_have_attribute("data-away", "")


def test_refused_order_says_why_beside_the_buttons(trading: Page) -> None:
    price, message = trading.locator("#ticket [name=price]"), trading.locator("#ticket-message")
    price.fill("5000.1")
    price.press("Enter")  # places nothing
    trading.get_by_role("button", name="Sell", exact=True).click()
    expect(message).to_have_text("price: 5000.1 is not a multiple of 0.25")
    expect(price).to_have_attribute("aria-invalid", "true")
    trading.get_by_label("Market").check(force=True)
    trading.locator("#ticket [name=quantity]").fill("100000")
    trading.get_by_role("button", name="Buy", exact=True).click()
    expect(message).to_have_text(re.compile("^Refused. The "))


def test_each_trade_arrives_once_and_the_book_is_exact_through_reconnections(trading: Page) -> None:
    seqs = trading.evaluate(HEAR_TRADES, 3)
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    wait_in_page(trading, SAME_BOOK)
    trading.evaluate(TEAR)
    wait_in_page(trading, SAME_BOOK)
    expect(trading.locator("#connection")).to_have_attribute("data-state", "live")


@pytest.mark.parametrize(("init", "note"), [
    (NO_SOCKET, "Orders and positions are read every two seconds."),
    (NO_STREAMS, "The book is read once a second."),
], ids=["events", "polling"])  # fmt: skip
def test_panels_work_without_websocket_and_say_so(
    browser: Browser, market: str, trader: Cookie, init: str, note: str
) -> None:
    with watched_page(browser) as page:
        page.context.add_cookies([trader])
        page.add_init_script(init)
        page.goto(market + PAGE)
        expect(page.locator("#trading")).to_contain_text(note)
        expect(page.locator("#ladder tr[data-last]")).to_have_count(1)
        expect(page.locator("#sales tr").nth(10)).to_be_visible()
        seqs = page.evaluate(HEAR_TRADES, 0)
        assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
        orders = cancels(page)
        before = count_of(orders)
        place_limit(page)
        expect(orders).to_have_count(before + 1)
        orders.first.click()
        expect(orders).to_have_count(before)


def test_book_that_is_behind_or_lost_says_so(page: Page, market: str) -> None:
    page.goto(f"{market}/instruments/NQ/")
    note = """async (now) => {
      const { bookNote } = await import("/static/js/trading/notes.js");
      return bookNote({ state: "live", transport: "socket", quotedAt: 0, ...now });
    }"""
    at = 1_795_253_400_000
    live = {"book": {"seq": 7, "at": at}, "quotedAt": at + 1000}
    assert page.evaluate(note, live) == ""
    late = {**live, "quotedAt": at + 42 * 60_000}
    assert "It is 42 minutes behind" in page.evaluate(note, late)
    assert "is being built" in page.evaluate(note, {"book": {"seq": 0, "at": 0}})
    assert "stands still" in page.evaluate(note, {**live, "state": "stale"})
    assert "connection is lost" in page.evaluate(note, {**live, "transport": None})


def test_page_of_instrument_without_book_has_no_panels(page: Page, market: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(f"{market}/instruments/NQ/")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    expect(page.locator("#trading")).to_have_count(0)
    assert asked
    assert [url for url in asked if "trading" in url] == []
