"""The chart with 500,000 candles in Chromium: frame times while scrolling.

Also measures the time until an instrument page is interactive and the size of its JavaScript.
"""

import os
import sys
import tempfile

FOLDER = tempfile.TemporaryDirectory()
os.environ["DATABASE_URL"] = f"sqlite:///{FOLDER.name}/chart.sqlite3"

from django.core.management import call_command  # noqa: E402
from playwright.sync_api import Page, Response, sync_playwright  # noqa: E402

from benchmarks.harness import report  # noqa: E402
from rig.chromium import FLAGS, chromium_of_package  # noqa: E402
from rig.longhistory import serving, store_minutes  # noqa: E402

MINUTES = int(os.environ.get("BENCH_CANDLES", "500000"))
CANDLES_PER_FRAME = 120
TARGET_MS = 20

SCROLL = """async ([pixels, wheels]) => {
  const { chart, candles } = await import("/static/js/instrument.js");
  const target = document.querySelector("#chart canvas:last-of-type");
  const box = target.getBoundingClientRect();
  const at = { bubbles: true, cancelable: true, clientX: box.x + 300, clientY: box.y + 150 };
  const frames = [];
  const place = () => candles.series.candles[Math.max(0, Math.round(chart.view.from))]?.lastSeq;
  const start = place();
  let [last, most] = [await new Promise(requestAnimationFrame), 0];
  for (let i = 0; i < wheels; i += 1) {
    target.dispatchEvent(new WheelEvent("wheel", { deltaX: pixels, ...at }));
    const now = await new Promise(requestAnimationFrame); // when the frame began
    frames.push(now - last);
    last = now;
    most = Math.max(most, candles.series.candles.length);
    if (pixels < 0 && place() === 1) break;
  }
  return { frames, most, scrolled: Math.abs(place() - start) };
}"""


def percentile(values: list[float], share: float) -> float:
    return round(sorted(values)[int(share * (len(values) - 1))], 1)


def frames(name: str, found: dict[str, list[float]]) -> dict[str, object]:
    times = found["frames"]
    return {
        f"{name}: frames": len(times),
        f"{name}: p50, ms": percentile(times, 0.5),
        f"{name}: p95, ms (target < {TARGET_MS})": percentile(times, 0.95),
        f"{name}: p99, ms": percentile(times, 0.99),
        f"{name}: worst, ms": round(max(times), 1),
        f"{name}: candles scrolled": found["scrolled"],
        f"{name}: most candles in memory": found["most"],
    }


def opening(page: Page, address: str) -> dict[str, object]:
    sizes: list[int] = []
    page.on(
        "response", lambda answer: sizes.append(len(answer.body())) if is_script(answer) else None
    )
    page.goto(f"{address}/instruments/LONG/")
    page.wait_for_function("Number(document.querySelector('#chart').dataset.candles) > 0")
    return {
        "page interactive after, ms (target < 1500)": round(page.evaluate("performance.now()")),
        "JavaScript, kB (target < 400)": round(sum(sizes) / 1000),
    }


def is_script(answer: Response) -> bool:
    return answer.request.resource_type == "script"


def measure(page: Page, address: str) -> dict[str, object]:
    figures = opening(page, address)
    page.locator("#chart").focus()
    for _ in range(12):
        page.keyboard.press("-")
        page.evaluate("new Promise(requestAnimationFrame)")  # renders the change
    wheels = 2 * MINUTES // CANDLES_PER_FRAME
    figures |= frames("back through all", page.evaluate(SCROLL, [-CANDLES_PER_FRAME, wheels]))
    return figures | frames("ahead again", page.evaluate(SCROLL, [CANDLES_PER_FRAME, 600]))


def main() -> int:
    call_command("migrate", verbosity=0)
    store_minutes("LONG", MINUTES)
    executable, libraries = chromium_of_package()
    env: dict[str, str | float | bool] = {**os.environ, "LD_LIBRARY_PATH": libraries}
    with serving(dict(os.environ)) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, env=env)
        page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 800})
        figures = {"candles": MINUTES} | measure(page, address)
        browser.close()
    report("chart", figures)
    return 0


if __name__ == "__main__":
    sys.exit(main())
