"""The chart of a long history in Chromium."""

import csv
import io
import json
import re
from datetime import UTC, datetime
from urllib.request import urlopen

import pytest
from playwright.sync_api import Browser, Download, Page, Route, expect

from rig.chromium import wait_in_page
from rig.fixtures import LONG_MINUTES

HOUR_FROM = "/instruments/LONG/?timeframe=1m&from=2025-01-05T10:00Z&to=2025-01-05T10:59Z"
FIRST, LAST = 1_736_071_200_000, 1_736_071_200_000 + 60 * 60_000  # of that hour, epoch ms
MODULE = 'await import("/static/js/instrument.js")'
SERIES = f"async () => ({MODULE}).candles.series.candles.map(({{ lastSeq }}) => lastSeq)"
VIEW = f"async () => {{ const {{ chart }} = {MODULE}; return chart.view; }}"
SCROLL_TO_THE_START = f"""async () => {{
  const {{ chart, candles }} = {MODULE};
  const canvas = document.querySelector("#chart canvas:last-of-type");
  const {{ x, y }} = canvas.getBoundingClientRect();
  let most = 0;
  for (let i = 0; i < 3000 && (candles.series.first.lastSeq > 1 || chart.view.from > 0); i += 1) {{
    canvas.dispatchEvent(new WheelEvent("wheel", {{
      deltaX: -300, bubbles: true, cancelable: true, clientX: x + 300, clientY: y + 150,
    }}));
    await new Promise(requestAnimationFrame);
    most = Math.max(most, candles.series.candles.length);
  }}
  return most;
}}"""


def open_chart(page: Page, address: str) -> None:
    page.goto(address)
    settled(page)


def settled(page: Page) -> None:
    page.wait_for_function("document.querySelector('#chart').dataset.from !== undefined")


def span(page: Page) -> tuple[int, int]:
    found = page.locator("#chart").evaluate("({ dataset }) => [dataset.from, dataset.to]")
    return int(found[0]), int(found[1])


def wait_for_span(page: Page, start: int, end: int) -> None:
    page.wait_for_function(
        "([from, to]) => { const { dataset } = document.querySelector('#chart');"
        " return dataset.from === from && dataset.to === to; }",
        arg=[str(start), str(end)],
    )


def value(page: Page, name: str) -> str:
    return page.locator(f'#values [data-value="{name}"]').inner_text()


def test_scrolling_to_the_start_loads_every_candle_and_keeps_a_bounded_window(page, long_history):
    open_chart(page, f"{long_history}/instruments/LONG/")
    page.locator("#chart").focus()
    for _ in range(10):
        page.keyboard.press("-")
        page.evaluate("new Promise(requestAnimationFrame)")
    most = page.evaluate(SCROLL_TO_THE_START)
    seqs = page.evaluate(SERIES)
    assert seqs == list(range(1, len(seqs) + 1))
    assert len(seqs) <= most <= 12_000 < LONG_MINUTES


def test_home_and_end_show_the_first_and_the_newest_candles(page, long_history):
    open_chart(page, f"{long_history}/instruments/LONG/")
    page.locator("#chart").focus()
    page.keyboard.press("Home")
    wait_in_page(page, f"async () => ({MODULE}).candles.series.first.lastSeq === 1")
    expect(page.locator("#to-newest")).to_be_visible()
    for _ in range(30):  # forward, across the boundaries between reads
        page.keyboard.press("PageDown")
        page.evaluate("new Promise(requestAnimationFrame)")
    wait_in_page(page, f"async () => ({MODULE}).candles.series.last.lastSeq > 3000")
    seqs = page.evaluate(SERIES)
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    page.keyboard.press("End")
    wait_in_page(page, f"async () => ({MODULE}).candles.series.last.lastSeq > {LONG_MINUTES}")
    expect(page.locator("#to-newest")).to_be_hidden()


def test_arrow_keys_move_the_crosshair_and_announce_the_candle(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    page.locator("#chart").focus()
    page.keyboard.press("ArrowRight")
    announcer = page.locator("#announcer")
    expect(announcer).to_contain_text("Jan 5, 2025, 10:59")
    page.keyboard.press("ArrowLeft")
    expect(announcer).to_contain_text("Jan 5, 2025, 10:58")
    expect(announcer).to_contain_text(f"close {value(page, 'close')}")
    page.keyboard.press("Shift+ArrowLeft")
    expect(announcer).to_contain_text("Jan 5, 2025, 10:48")
    assert value(page, "time") == "Jan 5, 2025, 10:48"
    page.keyboard.press("Escape")
    assert value(page, "time") == "Jan 5, 2025, 10:59"


def test_plus_and_minus_zoom(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    page.locator("#chart").focus()
    page.keyboard.press("+")
    expect(page.locator("#announcer")).to_contain_text("48 candles")
    page.keyboard.press("-")
    expect(page.locator("#announcer")).to_contain_text("60 candles")


def test_h_opens_the_list_of_keys_and_closing_restores_the_focus(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    page.locator("#chart").focus()
    page.keyboard.press("h")
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(page.locator("#chart")).to_be_focused()


def test_url_restores_the_visible_span(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    assert span(page) == (FIRST, LAST)
    page.locator("#chart").focus()
    page.keyboard.press("PageUp")
    page.wait_for_url("**from=2025-01-05T09:01Z&to=2025-01-05T10:00Z")
    shown = span(page)
    page.goto(page.url)
    settled(page)
    assert span(page) == shown


def test_new_view_is_kept_if_candles_arrive_before_the_next_frame(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    before, after = page.evaluate(
        f"""async () => {{
          const {{ chart }} = {MODULE};
          const first = () => chart.series.candles[Math.round(chart.view.from)].openedAt;
          const before = first();
          chart.view = {{ from: chart.view.from - 30, to: chart.view.to - 30 }};
          chart.draw(chart.series, 5);
          for (let i = 0; i < 3; i += 1) await new Promise(requestAnimationFrame);
          return [before, first()];
        }}"""
    )
    assert after == before - 25 * 60_000


def test_url_that_spans_an_hour_without_ticks_shows_existing_candles(page, long_history):
    """The market pauses from 23:00 to midnight each day: there are no candles."""
    night = "/instruments/LONG/?timeframe=1m&from=2025-01-05T22:50Z&to=2025-01-06T00:09Z"
    open_chart(page, long_history + night)
    view = page.evaluate(VIEW)
    assert round(view["to"]) - round(view["from"]) == 19
    first, last = span(page)
    assert last - first == 80 * 60_000


def moment(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / 1000, UTC):%Y-%m-%dT%H:%MZ}"


@pytest.fixture
def past(market) -> tuple[int, int]:
    """Two past hours of the live market, aligned to 5 minutes (epoch ms)."""
    with urlopen(f"{market}/api/v1/instruments/ES/") as answer:
        start = json.load(answer)["first_at"]
    start += 3_600_000 - start % 300_000
    return start, start + 2 * 3_600_000


def test_switching_timeframe_keeps_the_span_and_back_returns(page, market, past):
    start, end = past
    page.goto(f"{market}/instruments/ES/?timeframe=1m&from={moment(start)}&to={moment(end)}")
    wait_for_span(page, start, end + 60_000)
    page.locator('a[data-timeframe="5m"]').click()
    wait_for_span(page, start, end + 300_000)
    assert "timeframe=5m&from=" in page.url
    page.go_back()
    wait_for_span(page, start, end + 60_000)


def test_address_names_a_timeframe_that_is_still_loading(page: Page, long_history: str) -> None:
    open_chart(page, f"{long_history}{HOUR_FROM}")
    waiting: list[Route] = []
    page.route("**/candles/?timeframe=5m*", lambda route: waiting.append(route))
    page.locator('a[data-timeframe="5m"]').click()
    before = span(page)
    page.locator("#chart").press("-")
    page.wait_for_function(
        "from => document.querySelector('#chart').dataset.from !== from", arg=str(before[0])
    )
    assert "timeframe=5m" in page.url
    for route in waiting:
        route.continue_()
    expect(page.locator("#chart")).to_have_attribute("data-timeframe", "5m")
    assert "timeframe=5m" in page.url


def test_ticks_do_not_move_a_view_of_the_past(page, market, past):
    start, end = past
    page.goto(f"{market}/instruments/ES/?timeframe=1m&from={moment(start)}&to={moment(end)}")
    wait_for_span(page, start, end + 60_000)
    view = page.evaluate(VIEW)
    wait_for_ticks(page, 3)
    assert page.evaluate(VIEW) == view
    page.locator("#to-newest").click()
    expect(page.locator("#to-newest")).to_be_hidden()
    wait_for_ticks(page, 2)
    page.wait_for_function(
        "document.querySelector('#values [data-value=close]').textContent"
        " === document.querySelector('.last').textContent"
    )


def wait_for_ticks(page: Page, count: int) -> None:
    seen = int(page.locator("#instrument").get_attribute("data-last-seq") or 0)
    page.wait_for_function(
        "most => Number(document.querySelector('#instrument').dataset.lastSeq) >= most",
        arg=seen + count,
    )


def test_current_regime_is_shown_beside_the_candle(page, market):
    page.goto(f"{market}/instruments/ES/")
    phi = page.locator('#values [data-value="phi"]')
    expect(phi).to_have_text(re.compile(r"^\u2212?0\.\d\d$"))


def test_table_lists_the_visible_candles(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    page.locator("#table-switch").click()
    rows = page.locator("#chart-table tbody tr")
    expect(rows).to_have_count(60)
    newest = rows.first.locator("th, td").all_inner_texts()
    assert newest[:5] == [value(page, name) for name in ("time", "open", "high", "low", "close")]
    page.locator("#table-older").click()
    expect(rows.first).to_contain_text("Jan 5, 2025, 10:00")
    page.locator("#table-switch").click()
    expect(page.locator("#chart-table")).to_be_hidden()
    expect(page.locator("#chart")).to_be_focused()


def share(page: Page, item: str) -> Download:
    page.locator(".menu summary").click()
    with page.expect_download() as download:
        page.locator(item).click()
    return download.value


def test_view_is_saved_as_png_and_csv(page, long_history):
    open_chart(page, long_history + HOUR_FROM)
    last = value(page, "close")
    picture = share(page, "#save-png")
    assert picture.suggested_filename == "LONG-1m-2025-01-05T1000Z.png"
    assert picture.path().read_bytes().startswith(b"\x89PNG")
    assert picture.path().stat().st_size > 5_000
    table = share(page, "#save-csv")
    assert table.suggested_filename.endswith(".csv")
    rows = list(csv.DictReader(io.StringIO(table.path().read_text())))
    assert len(rows) == 60
    assert int(rows[0]["opened_at"]) == FIRST
    assert rows[-1]["close"] == last


def test_link_is_copied(page, long_history):
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    open_chart(page, long_history + HOUR_FROM)
    page.locator(".menu summary").click()
    page.locator("#copy-link").click()
    expect(page.locator("#announcer")).to_contain_text("copied")
    assert page.evaluate("navigator.clipboard.readText()") == long_history + HOUR_FROM


def test_times_are_in_utc_or_in_the_local_zone(browser: Browser, long_history):
    page = browser.new_page(locale="en-US", timezone_id="America/New_York")
    open_chart(page, long_history + HOUR_FROM)
    assert value(page, "time") == "Jan 5, 2025, 10:59"
    page.locator("#zone").click()
    assert value(page, "time") == "Jan 5, 2025, 05:59"
    expect(page.locator("#values [data-zone]")).to_have_text("America/New_York")
    assert span(page) == (FIRST, LAST)
    page.reload()
    settled(page)
    assert value(page, "time") == "Jan 5, 2025, 05:59"
    page.close()


def test_days_begin_at_local_midnight_across_clock_changes(browser: Browser, long_history):
    page = browser.new_page(locale="en-US", timezone_id="America/New_York")
    page.goto(f"{long_history}/livez")
    found = page.evaluate(
        """async () => {
          const { clock } = await import("/static/js/clock.js");
          const { weightOf } = await import("/static/js/time-axis.js");
          const weight = (iso) => {
            const ms = Date.parse(iso);
            return weightOf(clock.wall(ms), clock.wall(ms - 60_000));
          };
          const utc = [weight("2026-03-08T00:00Z"), weight("2026-03-08T05:00Z")];
          clock.switchZone();
          const clocks = ["2026-11-01T05:30Z", "2026-11-01T06:30Z"].map((iso) =>
            clock.format(Date.parse(iso), "full"));
          const local = ["2026-03-08T00:00Z", "2026-03-08T05:00Z", "2026-03-08T07:00Z",
            "2026-01-01T05:00Z", "2026-06-01T04:00Z", "2026-06-01T16:00Z"].map(weight);
          clock.switchZone();
          return { utc, local, clocks };
        }"""
    )
    year, month, day, half_a_day = 70, 60, 50, 33
    assert found["utc"] == [day, 30]
    # 19:00 the day before; midnight; 3:00, an hour after 1:59; new year; a month; noon.
    assert found["local"] == [30, day, 31, year, month, half_a_day]
    assert found["clocks"] == ["Nov 1, 2026, 01:30"] * 2
    page.close()


def test_candles_accept_late_and_repeated_ticks_and_keep_gaps(page, long_history):
    page.goto(f"{long_history}/livez")
    found = page.evaluate(
        """async () => {
          const { CandleSeries } = await import("/static/js/candle-series.js");
          const minute = 60_000;
          const series = new CandleSeries("1m");
          series.take([[1, 0, 10], [2, 1000, 12], [2, 1000, 99], [6, 5 * minute, 20]]);
          series.take([[5, 59_000, 8], [3, 2000, 11], [5, 59_000, 77]]);
          series.take([[4, minute, 15]]);
          const prices = series.candles.map(({ openedAt, open, high, low, close, count }) =>
            [openedAt / minute, open, high, low, close, count]);
          series.keep(0, 1);
          return { prices, late: series.take([[7, 6 * minute, 30]]).size };
        }"""
    )
    assert found["prices"] == [[0, 10, 12, 8, 8, 4], [1, 15, 15, 15, 15, 1], [5, 20, 20, 20, 20, 1]]
    assert found["late"] == 0


def test_failed_read_of_the_history_is_shown_and_can_be_retried(visitor, long_history):
    visitor.route(
        "**/candles/**", lambda route: route.fulfill(status=503, json={"detail": "unavailable"})
    )
    visitor.goto(f"{long_history}/instruments/LONG/")
    message = visitor.locator("#chart-message")
    expect(message).to_contain_text("The history could not be read: unavailable")
    visitor.unroute("**/candles/**")
    visitor.locator("#retry").click()
    settled(visitor)
    expect(message).to_be_hidden()
    assert float(value(visitor, "close")) > 0


def test_reduced_motion_disables_kinetic_scrolling(browser: Browser, long_history):
    page = browser.new_page(reduced_motion="reduce")
    open_chart(page, long_history + HOUR_FROM)
    kinetic = page.evaluate(f"async () => ({MODULE}).chart.chart.options().kineticScroll.touch")
    assert kinetic is False
    page.close()


@pytest.mark.parametrize("language", ["en-US@posix", "", "xx-invalid-tag-1"])
def test_chart_works_with_invalid_browser_languages(page, long_history, language):
    page.add_init_script(
        f"""Object.defineProperty(navigator, "language", {{ get: () => "{language}" }});
        Object.defineProperty(navigator, "languages", {{ get: () => ["{language}"] }});"""
    )
    open_chart(page, long_history + HOUR_FROM)
    assert value(page, "time") == "Jan 5, 2025, 10:59"
