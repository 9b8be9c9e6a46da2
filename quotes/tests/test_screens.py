"""Screenshots of every page in test-results/: three widths, both themes below the widest."""

import re
from pathlib import Path
from typing import Final, Literal

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, expect

SCREENS = {360: 740, 1280: 800, 3840: 1600}
WIDEST = max(SCREENS)
THEMES: Final[tuple[Literal["light", "dark"], ...]] = ("light", "dark")
PAGES = {
    "watchlist": "/",
    "instrument": "/instruments/ES/",
    "instrument-of-trader": "/instruments/ES/",
    "instrument-without-ticks": "/instruments/CL/",
    "orderflow": "/instruments/ES/orderflow/",
    "instrument-unknown": "/instruments/NOPE/",
    "page-unknown": "/nothing/",
    "laboratory": "/laboratory/",
    "truth": "/exchange/truth/",
    "runs": "/laboratory/runs/",
    "bots": "/trading/",
    "status": "/status/",
    "clients": "/venues/clients/",
    "gateway": "/venues/gateway/",
    "api": "/api/docs/",
    "admin": "/admin/",
    "admin-quotes": "/admin/quotes/quote/",
}
MISSING = "Failed to load resource: the server responded with a status of 404 (Not Found)"
SCREENSHOTS = Path("test-results") / "screens"
CONNECTED = "Connected to ws://127.0.0.1:8000/deribit/ws/api/v2."
LAYOUT = Path(__file__).with_name("layout.js").read_text()
DARKEST_LIGHT, LIGHTEST_DARK = 200, 60  # of 255: the background of a page
LEAST_INK = 0.0005  # of a page's pixels differ from its background
PAINTED = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("name", PAGES)
def test_page_renders_without_layout_errors(browser: Browser, market, staff, trader, name):
    page = browser.new_page(locale="en-US", color_scheme="light")
    page.context.add_cookies([trader if name.endswith("trader") else staff])
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(market + PAGES[name])
    ready(page, name)
    for width, height in SCREENS.items():
        page.set_viewport_size({"width": width, "height": height})
        for theme in THEMES if width < WIDEST else THEMES[:1]:
            page.emulate_media(color_scheme=theme)
            if name.endswith("trader"):
                page.locator(".ladder-panel").scroll_into_view_if_needed()
            if name == "gateway":  # as if it were in use
                page.locator(".verdict").evaluate(
                    f"(each) => {{ each.textContent = {CONNECTED!r} }}"
                )
            page.evaluate(PAINTED)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.evaluate(LAYOUT) == [], (width, theme)
            check_screenshot(screenshot(page, f"{name}-{width}-{theme}"), theme)
    allowed = [MISSING] if "unknown" in name else []
    assert complaints == allowed
    page.close()


def ready(page: Page, name: str) -> None:
    """Wait until the page has loaded everything."""
    if page.locator("#connection").count():
        expect(page.locator("#connection")).not_to_have_attribute("data-state", "reconnecting")
    if name.startswith("instrument") and page.locator("#trading").count():
        page.wait_for_function("document.querySelector('#chart').dataset.from !== undefined")
        expect(page.locator("#sales tr").nth(20)).to_have_attribute("data-side", re.compile("."))
    if name == "orderflow":
        page.wait_for_function("document.querySelector('#chart').dataset.from !== undefined")
        expect(page.locator("#sales tr").nth(10)).to_have_attribute("data-side", re.compile("."))
    elif name.endswith("trader"):
        expect(page.locator("#executions td").first).not_to_have_class("nothing")
        page.locator("#ladder tbody tr").nth(-3).locator(".bid").click()
        page.get_by_role("button", name="Buy", exact=True).click()
        expect(page.locator("#ladder .mine-buy:not(:empty)")).not_to_have_count(0)
        page.get_by_role("button", name="Change:").first.click()
    elif page.locator("#chart").count() and not page.locator("#trading").count():
        expect(page.locator("#chart-message")).to_be_visible()
    elif name == "truth":
        expect(page.locator(".groups")).to_be_visible(timeout=60_000)
    elif name == "api":
        expect(page.locator(".opblock").first).to_be_visible()


def check_screenshot(pixels: np.ndarray, theme: str) -> None:
    """Fail unless something is drawn on a background that fits the theme."""
    background = np.median(pixels)
    assert background > DARKEST_LIGHT if theme == "light" else background < LIGHTEST_DARK
    assert np.mean(np.abs(pixels - background) > 40) > LEAST_INK
    assert pixels.var() > 1


def screenshot(page: Page, name: str) -> np.ndarray:
    """Save a screenshot; return its pixels as shades of grey."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    path = SCREENSHOTS / f"{name}.jpeg"
    page.screenshot(path=path, type="jpeg", quality=85)
    with Image.open(path) as image:
        image.draft("L", (image.width // 2, image.height // 2))
        return np.asarray(image.convert("L"), dtype=np.float32)
