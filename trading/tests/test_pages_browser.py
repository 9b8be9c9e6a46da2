"""The pages of bots in Chromium: a bot that trades on the live market, and the kill switch."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from quotes.tests.test_accessibility import check_with_axe, visit
from rig.fixtures import Cookie
from rig.processes import ROOT, manage

CONFIGURATION = {
    "strategy": "marketmaker",
    "symbols": ["ES"],
    "parameters": {"distance": 2},
    "limits": {"max_exposure": 1_000_000},
}
STAGE = "from trading.tests.stage import stage; print(stage())"
REJECTED = "Failed to load resource: the server responded with a status of 400"
PATHS = ("", "orders/", "positions/", "risk/", "recovery/", "audit/", "../password/")


@pytest.fixture(scope="module")
def trading_admin(market: str, market_env: dict[str, str]) -> Cookie:
    """A session cookie for `market` of a superuser who owns an account with money."""
    key = manage("shell", "-v0", "-c", STAGE, env=market_env).split()[-1]
    return {"name": "sessionid", "value": key, "url": market}


@pytest.fixture
def admin(browser: Browser, trading_admin: Cookie) -> Iterator[Page]:
    page = visit(browser, "light")
    page.set_default_timeout(60_000)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.context.add_cookies([trading_admin])
    yield page
    page.close()
    assert [text for text in complaints if not text.startswith(REJECTED)] == []


def test_a_bot_is_created_configured_and_trades_until_the_kill_switch(
    admin: Page, market: str
) -> None:
    admin.goto(f"{market}/trading/")
    admin.get_by_label("Name").fill("maker")
    admin.get_by_role("button", name="Create").click()
    expect(admin.get_by_role("heading", name="maker", level=1)).to_be_visible()
    admin.get_by_label("JSON").fill("{}")
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("alert")).to_contain_text("strategy: is missing")
    admin.get_by_label("JSON").fill(json.dumps(CONFIGURATION))
    admin.get_by_role("button", name="Save").click()
    expect(admin.get_by_role("status")).to_contain_text("in force")
    admin.get_by_role("button", name="Start").click()
    expect(admin.locator("[data-bot-state]")).to_have_text("running")
    newest = admin.get_by_role("region", name="Newest orders")
    expect(newest).to_contain_text("post only")
    newest.get_by_role("link").first.click()
    expect(admin.locator("[data-order-state]")).to_be_visible()
    history = admin.get_by_role("region", name="History")
    expect(history).not_to_contain_text("has not answered")
    expect(history.get_by_role("row")).not_to_have_count(1)
    check_with_axe(admin)
    check_rows_keep_their_focus(admin, market)
    for path in PATHS:
        admin.goto(f"{market}/trading/{path}")
        for width in (1280, 360):
            admin.set_viewport_size({"width": width, "height": 800})
            assert admin.evaluate("document.documentElement.scrollWidth") <= width, path
            check_with_axe(admin)
    admin.set_viewport_size({"width": 1280, "height": 800})
    admin.goto(f"{market}/trading/risk/")
    admin.get_by_role("button", name="Kill all bots").click()
    expect(admin.get_by_text("nothing is opened")).to_be_visible()
    admin.goto(f"{market}/trading/orders/?state=working")
    expect(admin.get_by_role("region", name="Orders")).to_contain_text("No orders.")
    admin.goto(f"{market}/trading/risk/")
    admin.get_by_role("button", name="Release").click()
    admin.goto(f"{market}/trading/")
    admin.get_by_role("link", name="maker").click()
    admin.get_by_role("button", name="Stop").click()
    expect(admin.locator("[data-bot-state]")).to_have_text("stopped")


def check_rows_keep_their_focus(page: Page, market: str) -> None:
    """What is focused in a row stays in the row of the same order when newer ones come above it."""
    page.goto(f"{market}/trading/orders/")
    rows = page.locator("#orders tbody tr")
    newest = rows.first.get_attribute("id")
    assert newest
    page.locator(f"#{newest} a").focus()
    expect(rows.first).not_to_have_attribute("id", newest)
    assert page.evaluate("document.activeElement.closest('tr').id") == newest


def test_the_focus_stays_in_its_row_when_rows_go_and_change_places(browser: Browser) -> None:
    page, shown = browser.new_page(), ["abc"]
    script = (ROOT / "static/js/auto-refresh.js").read_text()

    def answer(route: Route) -> None:
        rows = "".join(f'<tr id="row-{n}"><td><button>{n}</button></td></tr>' for n in shown[0])
        table = f'<table><tbody id="rows" data-refresh-s="0.1">{rows}</tbody></table>'
        route.fulfill(
            body=f'{table}<script type="module">{script}</script>', content_type="text/html"
        )

    page.route("**/*", answer)
    page.goto("http://rows.test/")
    page.get_by_role("button", name="c").focus()
    for each in ("bc", "cb", "bca"):
        shown[0] = each
        expect(page.get_by_role("button")).to_have_text(list(each))
        assert page.evaluate("document.activeElement.textContent") == "c"
    page.close()


@pytest.mark.parametrize("width", [360, 1280])
def test_the_screener_is_live_and_sorted_and_passes_axe(
    browser: Browser, market: str, width: int
) -> None:
    page = visit(browser, "light", width)
    page.set_default_timeout(60_000)
    page.goto(f"{market}/screener/")
    row = page.locator("[data-symbol=ES]")
    expect(row.locator("td").nth(5)).not_to_have_text("\N{EN DASH}")  # the imbalance of its book
    before = row.inner_text()
    expect(row).not_to_have_text(before, use_inner_text=True)
    page.get_by_role("link", name="Volatility").click()
    expect(page.locator("th[aria-sort=descending]")).to_contain_text("Volatility")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    check_with_axe(page)
    page.goto(f"{market}/login/")
    check_with_axe(page)
    page.close()
