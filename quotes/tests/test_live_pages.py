"""Live updates of the runs, status and instrument pages: real computations, a failing server."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from rig.chromium import wait_in_page

PERCENT = re.compile(r"(\d+) %")


@pytest.fixture
def runs_page(browser: Browser, market, staff):
    page = browser.new_page(locale="en-US")
    page.context.add_cookies([staff])
    page.goto(f"{market}/laboratory/runs/")
    yield page
    page.close()


def start(page: Page, symbol: str) -> Locator:
    """Start a run over the whole history; return its row."""
    before = set(ids(page))
    page.locator("summary").click()
    page.locator("[name=indicator]").select_option("persistence")
    page.locator("[name=symbol]").select_option(symbol)
    page.locator("[name=start]").fill("2020-01-01T00:00")
    page.locator("[name=end]").fill("2099-01-01T00:00")
    page.get_by_role("button", name="Start").click()
    expect(page.locator(f'[data-run="{new(page, before)}"]')).to_be_visible()
    return page.locator(f'[data-run="{new(page, before)}"]')


def ids(page: Page) -> list[str]:
    return [str(row.get_attribute("data-run")) for row in page.locator("[data-run]").all()]


def new(page: Page, before: set[str]) -> str:
    page.wait_for_function(
        "n => document.querySelectorAll('[data-run]').length > n", arg=len(before)
    )
    (found,) = set(ids(page)) - before
    return found


def percent(row: Locator) -> int:
    found = PERCENT.search(row.locator(".percent").inner_text())
    assert found
    return int(found[1])


def test_run_shows_live_progress_and_its_result(runs_page):
    start(runs_page, "ES")  # the same thread computes both, one after the other
    row = start(runs_page, "NQ")
    runs_page.evaluate("window.sinceLoaded = true")
    begun = percent(row)
    expect(row.locator(".state")).to_have_text("done")
    assert begun < percent(row) == 100
    assert float(row.locator("progress").get_attribute("value") or 0) == 1
    expect(row.locator(".estimate")).to_have_text(re.compile(r"^\u2212?0\.\d{3}$"))
    expect(row.locator(".cancel")).to_have_count(0)
    assert runs_page.evaluate("window.sinceLoaded")


def test_cancelling_a_run_leaves_the_others_running(runs_page):
    before = start(runs_page, "ES")
    row = start(runs_page, "NQ")
    row.get_by_role("button", name="Cancel Persistence of NQ").click()
    expect(row.locator(".state")).to_have_text("cancelled")
    expect(row.locator(".cancel")).to_have_count(0)
    left_at = percent(row)
    assert left_at < 100
    after = start(runs_page, "ES")
    for other in (before, after):
        expect(other.locator(".state")).to_have_text("done")
    assert percent(row) - left_at <= 12  # the chunk that had begun


def test_status_page_refreshes_itself(page, market):
    page.goto(f"{market}/status/")
    parts = page.locator("[data-part]")
    expect(parts).to_have_count(7)
    for name in ("Web process", "Database", "Channel layer", "Market", "Readings"):
        expect(page.locator(f'[data-part="{name}"]')).to_have_attribute("data-state", "ok")
    ticks = "Number(document.querySelector('#sources [data-symbol=ES] td:nth-of-type(3)')"
    ticks += ".textContent.replace(',', ''))"
    before = page.evaluate(ticks)
    assert before > 40_000
    page.wait_for_function(f"before => {ticks} > before", arg=before)


def test_page_is_marked_outdated_until_it_can_be_refreshed(visitor, market):
    visitor.goto(f"{market}/status/")
    visitor.route("**/status/", lambda route: route.abort())
    outdated = visitor.locator("#status.outdated")
    expect(outdated).to_have_attribute("title", re.compile("Not up to date"))
    visitor.unroute("**/status/")
    expect(outdated).to_have_count(0)
    expect(visitor.locator("#status .verdict")).to_be_visible()


def test_each_measure_is_drawn_below_the_candles(page, market):
    page.goto(f"{market}/instruments/ES/")
    for box in page.locator("#panes input").all():
        box.check()
    wait_in_page(
        page,
        """async () => {
          const { chart } = await import("/static/js/instrument.js");
          return chart.overlays.length === 5 && chart.overlays.every((line) =>
            Number.isFinite(line.at(chart.series.candles.at(-3))));
        }""",
    )
    assert page.locator("#panes small").all_inner_texts() == [""] * 4


def test_measure_without_enough_points_shows_the_reason(page, long_history):
    """LONG has candles but no ticks, which persistence reads."""
    page.goto(f"{long_history}/instruments/LONG/")
    note = page.locator("#panes label:has([value=persistence]) small")
    expect(note).to_contain_text("fewer than one window of 500")
    page.locator("#panes [value=persistence]").uncheck()
    expect(note).to_have_text("")
