"""Watchlist and chart of a live market in Chromium."""

from playwright.sync_api import expect


def seq_of(page, symbol):
    return int(page.locator(f'[data-symbol="{symbol}"]').first.get_attribute("data-last-seq") or 0)


def test_watchlist_shows_live_prices(page, market):
    page.goto(market)
    expect(page.locator('[data-state="live"]').first).to_be_visible()
    before = seq_of(page, "ES")
    page.wait_for_function(
        "seq => Number(document.querySelector('[data-symbol=\"ES\"]').dataset.lastSeq) > seq + 1",
        arg=before,
    )


def test_chart_shows_history_and_switches_timeframe(page, market):
    page.goto(f"{market}/instruments/ES/")
    page.wait_for_function("Number(document.querySelector('#chart').dataset.candles) > 100")
    page.locator('a[data-timeframe="5m"], button[data-timeframe="5m"]').first.click()
    expect(page.locator("#chart")).to_have_attribute("data-timeframe", "5m")
    page.wait_for_function("Number(document.querySelector('#chart').dataset.candles) > 100")
    assert "timeframe=5m" in page.url
