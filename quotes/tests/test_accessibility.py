"""Accessibility of every page: axe, keyboard, themes, layout shift, no third-party requests."""

from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page, expect

from rig.databases import seeded_database_url
from rig.longhistory import serving
from rig.processes import environment, manage
from rig.waiting import wait_until

Theme = Literal["light", "dark"]
TRUTH = "/exchange/truth/"
AXE = Path("node_modules/axe-core/axe.min.js")
PAGES = (
    "/", "/instruments/ES/", "/instruments/CL/", "/instruments/ES/orderflow/", "/laboratory/",
    TRUTH, "/laboratory/runs/", "/status/", "/venues/gateway/",
    "/instruments/NOPE/",
)  # fmt: skip
RUN_AXE = """async (options) => {
  const { violations } = await axe.run(document, options);
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ target }) => target).join(" ")}`);
}"""
SHIFTS = """() => new Promise((resolve) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    list.getEntries().forEach((entry) => { sum += entry.hadRecentInput ? 0 : entry.value; });
  }).observe({ type: "layout-shift", buffered: true });
  setTimeout(() => resolve(sum), 700);
})"""
SLOW = 60_000
"""Bytes per second: a page takes a third of a second."""
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
FOCUS = """() => {
  const { outlineStyle, outlineWidth } = getComputedStyle(document.activeElement);
  const { borderStyle, borderWidth } = getComputedStyle(document.activeElement, "::after");
  const { activeElement: { tagName, id, textContent } } = document;
  return { name: id || `${tagName} ${textContent.trim().slice(0, 20)}`,
    visible: (outlineStyle !== "none" && parseFloat(outlineWidth) > 0)
      || (borderStyle !== "none" && parseFloat(borderWidth) > 0) };
}"""


def visit(browser: Browser, theme: Theme, width: int = 1280) -> Page:
    page = browser.new_page(
        locale="en-US", color_scheme=theme, viewport={"width": width, "height": 800}
    )
    page.add_init_script(path=AXE)
    return page


def ready(page: Page) -> None:
    """Wait until the live parts of the page have loaded."""
    if page.locator("#connection").count():
        expect(page.locator("#connection")).not_to_have_attribute("data-state", "reconnecting")
    if page.locator("#chart").count():
        expect(page.locator("#chart")).to_have_attribute("aria-busy", "false")
    if page.locator("#truth").count():
        expect(page.locator(".groups")).to_be_visible(timeout=60_000)


def check_with_axe(page: Page) -> None:
    """Fail if axe reports a violation in the light theme, or one of contrast in the dark one."""
    rules: dict[Theme, dict[str, list[str]]] = {
        "light": {},
        "dark": {"runOnly": ["color-contrast"]},
    }
    for theme, options in rules.items():
        page.emulate_media(color_scheme=theme)
        page.evaluate(PAINTED)
        assert page.evaluate(RUN_AXE, options) == [], theme


@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", PAGES)
def test_page_loads_without_layout_shift_or_other_hosts_and_passes_axe(
    browser, market, width, path
):
    page = visit(browser, "light", width)
    requests = requested_by(page)
    if path == TRUTH:  # its first report replaces a notice
        wait_until(lambda: "group-" in page.request.get(market + path).text(), "a report is made")
    page.goto(market + path)
    ready(page)
    assert page.evaluate(SHIFTS) < 0.02
    check_with_axe(page)
    check_hosts(requests, market)
    page.close()


def test_page_that_arrives_slowly_is_painted_without_layout_shift(browser, market):
    page = visit(browser, "light")
    address = f"{market}/instruments/ES/orderflow/"
    page.goto(address)  # so that its styles and scripts are cached
    network = {"offline": False, "latency": 0, "downloadThroughput": SLOW, "uploadThroughput": -1}
    page.context.new_cdp_session(page).send("Network.emulateNetworkConditions", network)
    page.goto(address, wait_until="domcontentloaded")
    assert page.evaluate(SHIFTS) < 0.02
    page.close()


def requested_by(page: Page) -> list[str]:
    """Return the addresses that a page requests from now on."""
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("websocket", lambda socket: requests.append(socket.url.replace("ws://", "http://")))
    return requests


def check_hosts(requests: list[str], market: str) -> None:
    assert requests
    own = (market, "data:", "blob:")
    assert [url for url in requests if not url.startswith(own)] == []


@pytest.mark.parametrize("width", [360, 1280])
def test_trading_panels_load_without_layout_shift_and_pass_axe(browser, market, trader, width):
    page = visit(browser, "light", width)
    page.context.add_cookies([trader])
    page.goto(f"{market}/instruments/ES/")
    ready(page)
    expect(page.locator("#orders tbody button").first).to_be_visible()
    assert page.evaluate(SHIFTS) < 0.02
    page.get_by_label("One-click orders").check()
    page.get_by_label("Market").check(force=True)
    page.get_by_role("button", name="Buy", exact=True).click()
    expect(page.locator("#sales [data-own]")).not_to_have_count(0)
    page.get_by_label("Stop").check(force=True)
    page.get_by_role("button", name="Change:").first.click()
    page.get_by_role("form").get_by_label("Price").fill("1.1")
    page.keyboard.press("Enter")
    expect(page.locator("[aria-invalid]")).to_be_focused()
    check_with_axe(page)
    page.close()


def test_runs_page_passes_axe_for_staff(browser, market, staff):
    page = visit(browser, "light")
    page.context.add_cookies([staff])
    page.goto(f"{market}/laboratory/runs/")
    page.locator("summary").click()
    expect(page.locator(".runs [data-state]").first).to_be_visible()
    for width in (1280, 360):
        page.set_viewport_size({"width": width, "height": 800})
        check_with_axe(page)
    page.close()


@pytest.mark.parametrize("opened", ["table", "help", "menu"])
def test_chart_table_help_and_menu_pass_axe(browser, market, opened):
    page = visit(browser, "light")
    page.goto(f"{market}/instruments/ES/")
    ready(page)
    page.locator(
        {"table": "#table-switch", "help": "#help-open", "menu": ".menu summary"}[opened]
    ).click()
    if opened == "table":
        expect(page.locator("#chart-table tbody tr").first).to_be_visible()
    check_with_axe(page)
    page.close()


def test_watchlist_and_chart_work_by_keyboard(page, market):
    page.goto(market)
    page.keyboard.press("Tab")
    assert page.evaluate(FOCUS)["name"] == "A Skip to content"
    page.keyboard.press("Enter")
    for _ in range(4):
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["visible"], focus
        if focus["name"] == "A ES":
            break
    page.keyboard.press("Enter")
    expect(page.locator("#chart")).to_have_attribute("aria-busy", "false")
    names = []
    while "chart" not in names and len(names) < 40:
        page.keyboard.press("Tab")
        focus = page.evaluate(FOCUS)
        assert focus["visible"], focus
        names.append(focus["name"])
    assert names[-1] == "chart"
    assert {"A 1w", "zone", "table-switch", "help-open"} <= set(names)
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#announcer")).to_contain_text("close")
    page.keyboard.press("t")
    expect(page.locator("#chart-table")).to_be_focused()


def test_menu_opens_and_closes_by_keyboard(page, market):
    page.goto(f"{market}/instruments/ES/")
    ready(page)
    summary = page.locator(".menu summary")
    summary.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#copy-link")).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.locator("#copy-link")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.locator("#copy-link")).to_be_hidden()
    expect(summary).to_be_focused()


def test_theme_follows_the_system_until_switched_and_is_remembered(browser, market):
    page = visit(browser, "dark")
    page.goto(market)
    background = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(background)
    page.emulate_media(color_scheme="light")
    light = page.evaluate(background)
    assert light != dark
    page.locator("#theme").click()
    assert page.evaluate(background) == dark
    page.reload()
    assert page.evaluate(background) == dark
    page.close()


@pytest.mark.parametrize("path", ["/api/docs/", "/admin/login/"])
def test_pages_of_others_request_nothing_from_other_hosts(page, market, path):
    requests = requested_by(page)
    page.goto(market + path, wait_until="networkidle" if path == "/api/docs/" else "load")
    check_hosts(requests, market)


def test_pages_work_under_the_production_policy(page, tmp_path):
    """It forbids eval as well. The page fixture fails on violations, which the console logs."""
    env = environment(seeded_database_url(tmp_path))
    manage("shell", "-v0", "-c", STORE, env=env)
    env |= {"DEBUG": "off", "SECRET_KEY": "of-a-test" * 6}
    with serving(env) as address:
        for path in ("/", "/laboratory/", "/laboratory/runs/", "/status/", "/api/docs/"):
            page.goto(address + path, wait_until="load")
            ready(page)
        page.goto(f"{address}/instruments/LONG/")
        ready(page)
        page.locator("#table-switch").click()
        expect(page.locator("#chart-table tbody tr").first).to_be_visible()
        page.goto("about:blank")  # before the server ends


STORE = "from rig.longhistory import *; store_minutes('LONG', 1000)"
