"""The order-flow page in Chromium: frame times, drawing of the heat map, time to the first picture.

    python -m benchmarks.footprintpage

Starts `runsim --serve` with five hours of history. Scrolls over 500 bars of 40 rows each, at the
widths of texts and of coloured cells, while the open bar changes four times a second.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import CDPSession, Page, sync_playwright

from benchmarks.harness import report
from rig.chromium import FLAGS, chromium_of_package
from rig.databases import seeded_database_url
from rig.processes import environment, free_port, running, wait_for_http
from rig.waiting import PATIENCE_S

BARS = 500
ROWS = 40
FRAMES = 400
COLUMNS, LEVELS = 1_000, 200
OPENINGS = 5
READY = "document.querySelector('#chart').dataset.from !== undefined"
MODULE = 'await import("/static/js/orderflow/orderflow.js")'

MAKE_BARS = f"""async ([bars, rows]) => {{
  const {{ chart, bars: window_ }} = {MODULE};
  const {{ CandleSeries }} = await import("/static/js/candle-series.js");
  const made = Array.from({{ length: bars }}, (_, i) => {{
    const low = 20000 + Math.round(2 * Math.sin(i / 5));
    const ticks = Array.from({{ length: rows }}, (_, j) => low + j);
    const lots = () => ticks.map(() => Math.floor(Math.random() ** 3 * 900));
    const openedAt = 1.7e12 - (1.7e12 % 60000) + 60000 * i;
    return {{
      time: openedAt / 1000, openedAt, open: low + 5, high: low + rows - 1, low, close: low + 30,
      volume: 9000, delta: 120, deltaMin: -40, deltaMax: 300, trades: 400, step: 1,
      poc: low + 12, valueLow: low + 8, valueHigh: low + 26, firstSeq: 10 * i, lastSeq: 10 * i + 9,
      cells: {{ ticks, sell: lots(), buy: lots(), trades: lots() }},
    }};
  }});
  window_.put = window_.look = () => {{}}; // the stream does not add to these
  chart.draw(new CandleSeries("1m", made));
  chart.showNewest();
}}"""

SCROLL = f"""async ([spacing, frames]) => {{
  const {{ chart }} = {MODULE};
  chart.chart.timeScale().applyOptions({{ barSpacing: spacing }});
  chart.chart.timeScale().scrollToPosition(0, false);
  await new Promise((done) => setTimeout(done, 1000));
  const {{ candles }} = chart.series;
  const live = setInterval(() => {{
    const last = {{ ...candles.at(-1), volume: candles.at(-1).volume + 1 }};
    candles[candles.length - 1] = last;
    chart.update(new Set([last]));
  }}, 250);
  const canvas = document.querySelector("#chart canvas:last-of-type");
  const box = canvas.getBoundingClientRect();
  const at = {{ bubbles: true, cancelable: true, clientX: box.x + 300, clientY: box.y + 150 }};
  const times = [];
  let last = await new Promise(requestAnimationFrame);
  for (let i = 0; i < frames; i += 1) {{
    const way = Math.floor(i / 20) % 2 ? 1 : -1;
    canvas.dispatchEvent(new WheelEvent("wheel", {{ deltaX: way * 60, ...at }}));
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }}
  clearInterval(live);
  const {{ from, to }} = chart.visible;
  return {{ times, detail: chart.footprint.detail, bars: to - from + 1 }};
}}"""

HEAT = f"""async ([columns, levels]) => {{
  const {{ chart }} = {MODULE};
  const {{ HeatGrid }} = await import("/static/js/orderflow/heat-grid.js");
  const start = chart.series.candles[chart.visible.from].openedAt;
  const made = Array.from({{ length: columns }}, (_, i) => ({{
    at: start + 1000 * i, first: 19950,
    cells: Array.from({{ length: levels }}, () => Math.floor(Math.random() * 300)),
  }}));
  const end = start + 1000 * columns;
  const grid = new HeatGrid({{ columnMs: 1000, step: 1, columns: made, end }});
  const times = [];
  for (let i = 0; i < 10; i += 1) {{
    const begun = performance.now();
    chart.heat.show(grid);
    chart.heat.render().canvas.getContext("2d").getImageData(0, 0, 1, 1); // waits for it
    times.push(performance.now() - begun);
  }}
  return times;
}}"""


def percentile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1))], 1)


def opening(page: Page, address: str) -> dict[str, Any]:
    """Return when the first picture of the page was there, without and with its caches."""
    times = []
    for _ in range(OPENINGS):
        page.goto(address)
        page.wait_for_function(READY)
        times.append(page.evaluate("performance.getEntriesByName('chart')[0].startTime"))
        page.wait_for_timeout(1_000)
    return {
        "first picture after, ms (target < 1500)": round(times[0]),
        "with the caches of the browser, median, ms": round(percentile(times[1:], 0.5)),
    }


def scrolling(page: Page, spacing: int) -> dict[str, Any]:
    """Scroll over the bars; the processor time of the main thread does not depend on other load."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = task_seconds(session)
    found = page.evaluate(SCROLL, [spacing, FRAMES])
    used = task_seconds(session) - before
    session.detach()
    name = f"{found['detail']}, {found['bars']} bars visible"
    return {
        f"{name}: p50 of frames, ms": percentile(found["times"], 0.5),
        f"{name}: p95 of frames, ms (target < 20)": percentile(found["times"], 0.95),
        f"{name}: worst frame, ms": percentile(found["times"], 1.0),
        f"{name}: main thread per frame, ms of processor time": round(used * 1000 / FRAMES, 1),
    }


def task_seconds(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return float(next(each["value"] for each in metrics if each["name"] == "TaskDuration"))


def measure(page: Page, address: str) -> dict[str, Any]:
    figures = opening(page, address)
    page.evaluate(MAKE_BARS, [BARS, ROWS])
    page.wait_for_timeout(1_000)
    for spacing in (80, 20, 3):
        figures |= scrolling(page, spacing)
    heat = page.evaluate(HEAT, [COLUMNS, LEVELS])
    figures[f"heat map of {COLUMNS} x {LEVELS}, median, ms (target < 100)"] = percentile(heat, 0.5)
    return figures


def main() -> int:
    executable, libraries = chromium_of_package()
    browser_env: dict[str, str | float | bool] = {**os.environ, "LD_LIBRARY_PATH": libraries}
    with tempfile.TemporaryDirectory() as folder:
        port = free_port()
        env = environment(seeded_database_url(Path(folder)))
        arguments = ["--serve", f"127.0.0.1:{port}", "--backfill", "5h", "--instruments", "ES"]
        with running("runsim", *arguments, env=env) as process, sync_playwright() as playwright:
            wait_for_http(f"http://127.0.0.1:{port}/livez", process)
            browser = playwright.chromium.launch(
                executable_path=executable, args=FLAGS, env=browser_env
            )
            page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 1000})
            page.set_default_timeout(1_000 * PATIENCE_S)
            address = f"http://127.0.0.1:{port}/instruments/ES/orderflow/"
            figures = {"bars": BARS, "rows per bar": ROWS} | measure(page, address)
            browser.close()
    report("footprintpage", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
