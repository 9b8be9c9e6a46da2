"""Budget of the instrument page: JavaScript, layout shift, requests to other hosts."""

from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, expect

JAVASCRIPT_BYTES = 400_000
SHIFT = 0.002
WATCH_SHIFTS = """
  window.shifted = 0;
  new PerformanceObserver((list) => list.getEntries().forEach(({ hadRecentInput, value }) => {
    window.shifted += hadRecentInput ? 0 : value;
  })).observe({ type: "layout-shift", buffered: true });
"""
JAVASCRIPT = """performance.getEntriesByType("resource")
  .filter(({ name }) => /\\.m?js$/.test(name))
  .reduce((sum, { decodedBodySize }) => sum + decodedBodySize, 0)"""


class Cost(NamedTuple):
    javascript_bytes: int
    shift: float
    other_hosts: list[str]


def cost(browser: Browser, market: str, width: int) -> Cost:
    """Open the page with an empty cache; wait until it responds to a key."""
    page = browser.new_page(locale="en-US", viewport={"width": width, "height": 800})
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url))
    page.on("websocket", lambda socket: requests.append(socket.url.replace("ws://", "http://")))
    page.add_init_script(WATCH_SHIFTS)
    page.goto(f"{market}/instruments/ES/")
    page.wait_for_function("document.querySelector('#chart').dataset.from !== undefined")
    expect(page.locator("#connection")).to_have_attribute("data-state", "live")
    page.locator("#chart").press("ArrowLeft")
    expect(page.locator("#announcer")).to_contain_text("close")
    other_hosts = [url for url in requests if not url.startswith((market, "data:", "blob:"))]
    found = Cost(page.evaluate(JAVASCRIPT), page.evaluate("shifted"), other_hosts)
    page.close()
    return found


@pytest.mark.parametrize("width", [360, 1280])
def test_instrument_page_stays_within_its_budget(browser, market, width):
    found = cost(browser, market, width)
    assert 100_000 < found.javascript_bytes < JAVASCRIPT_BYTES
    assert found.shift < SHIFT
    assert found.other_hosts == []
