"""The stream of the pages, in a real Chromium, against a server that dies and comes back."""

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from rig.databases import seeded_database_url
from rig.processes import environment, free_port, manage, open_stream, running

LISTEN = """async (since) => {
  const { MarketStream } = await import("/static/js/market-stream.js");
  const heard = { seqs: [], states: [], ways: [], perFrame: [], gaps: 0 };
  let frame = 0, counted = -1;
  const count = () => { frame += 1; requestAnimationFrame(count); };
  count();
  const stream = new MarketStream({ since });
  stream.addEventListener("ticks", ({ detail: { rows } }) => {
    heard.seqs.push(...rows.map(([seq]) => seq));
    if (frame === counted) heard.perFrame.push(frame);
    counted = frame;
  });
  stream.addEventListener("gap", () => { heard.gaps += 1; });
  stream.addEventListener("state", ({ detail }) => {
    heard.states.push(detail.state);
    if (detail.transport) heard.ways.push(detail.transport);
  });
  Object.assign(window, { heard, stream });
  stream.start();
}"""
BARRED = (
    "class { constructor() { setTimeout(() => (this.onclose ?? this.onerror)?.()); } close() {} }"
)
NO_SOCKET = f"window.WebSocket = {BARRED};"
NO_EVENTS = f"window.EventSource = {BARRED};"


class Market:
    """A live market of ES on one port; it can be killed and started again."""

    process: subprocess.Popen[str] | None = None

    def __init__(self, folder: Path, speed: str) -> None:
        self.env = environment(seeded_database_url(folder))
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.speed = speed
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        """Start it unless it runs."""
        if self.process is not None:
            return
        arguments = ["--serve", f"127.0.0.1:{self.port}", "--instruments", "ES"]
        self._running = contextlib.ExitStack()
        self.process = self._running.enter_context(
            running("runsim", *arguments, "--speed", self.speed, env=self.env)
        )
        with open_stream(self.port, self.process):
            pass

    def kill(self) -> None:
        self._running.close()
        self.process = None


@pytest.fixture(scope="module")
def one_market(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Market]:
    market = Market(tmp_path_factory.mktemp("market"), speed="20")
    yield market
    market.kill()


@pytest.fixture
def market(one_market: Market) -> Iterator[Market]:
    """The market of this file, running; a test that pauses it and fails does not stop the next."""
    one_market.start()
    yield one_market
    if one_market.process is not None:
        one_market.process.send_signal(signal.SIGCONT)


def listen(page: Page, market: Market, since: int = 1) -> None:
    page.goto(f"{market.address}/livez")
    page.evaluate(LISTEN, {"ES": since})


def hear_more(page: Page, count: int = 40) -> None:
    """Wait until `count` more ticks came."""
    page.wait_for_function(
        "most => heard.seqs.length >= most",
        arg=page.evaluate("heard.seqs.length") + count,
    )


def assert_each_tick_once(page: Page) -> None:
    page.wait_for_function("Math.max(...heard.seqs) - Math.min(...heard.seqs) < heard.seqs.length")
    seqs = page.evaluate("heard.seqs")
    assert sorted(seqs) == list(range(2, len(seqs) + 2))


def test_a_killed_server_comes_back_and_every_tick_arrives_once(visitor, market):
    listen(visitor, market)
    for _ in range(2):
        hear_more(visitor)
        market.kill()
        visitor.wait_for_function("heard.states.at(-1) === 'reconnecting'")
        market.start()
        visitor.wait_for_function("heard.states.at(-1) === 'live'")
    hear_more(visitor)
    assert_each_tick_once(visitor)
    assert visitor.evaluate("heard.perFrame") == []
    assert visitor.evaluate("heard.ways.every((way) => way === 'socket')")


def test_a_server_that_hangs_is_left_and_found_again(visitor, market):
    listen(visitor, market)
    hear_more(visitor)
    market.process.send_signal(signal.SIGSTOP)
    visitor.evaluate("dispatchEvent(new Event('online'))")  # as after a change of the network
    visitor.wait_for_function("heard.states.at(-1) === 'reconnecting'")
    market.process.send_signal(signal.SIGCONT)
    visitor.wait_for_function("heard.states.at(-1) === 'live'")
    hear_more(visitor)
    assert_each_tick_once(visitor)


def test_without_a_network_the_page_says_so_and_then_resumes(visitor, market):
    listen(visitor, market)
    hear_more(visitor)
    visitor.context.set_offline(True)
    visitor.wait_for_function("heard.states.at(-1) === 'offline'")
    visitor.context.set_offline(False)
    visitor.wait_for_function("heard.states.at(-1) === 'live'")
    hear_more(visitor)
    assert_each_tick_once(visitor)


@pytest.mark.parametrize(
    ("script", "way", "state"),
    [(NO_SOCKET, "events", "live"), (NO_SOCKET + NO_EVENTS, "polling", "polling")],
    ids=["events", "polling"],
)
def test_where_the_best_way_is_barred_the_next_one_brings_every_tick(
    visitor, market, script, way, state
):
    visitor.add_init_script(script)
    listen(visitor, market)
    visitor.wait_for_function("way => heard.ways.at(-1) === way", arg=way)
    hear_more(visitor)
    market.kill()
    visitor.wait_for_function("heard.states.at(-1) === 'reconnecting'")
    market.start()
    visitor.wait_for_function("state => heard.states.at(-1) === state", arg=state)
    hear_more(visitor)
    assert_each_tick_once(visitor)


def test_a_gap_is_read_from_the_history(visitor, market):
    """More was missed than the server replays."""
    until, seqs = "2026-01-02T00:00:00Z", 12_500
    market.kill()
    manage("backfill", "--hours", "4", "--until", until, "--instruments", "NQ", env=market.env)
    market.start()
    visitor.goto(f"{market.address}/livez")
    visitor.evaluate(LISTEN, {"NQ": 1})
    visitor.wait_for_function("most => heard.seqs.length >= most", arg=seqs)
    assert_each_tick_once(visitor)
    assert visitor.evaluate("heard.gaps") == 0


def test_rows_that_come_twice_late_or_never_are_sorted_out(page, market):
    """The ledger: what it lets through, and what it still waits for."""
    page.goto(f"{market.address}/livez")
    taken = page.evaluate(
        """async () => {
          const { SeqLedger } = await import("/static/js/seq-ledger.js");
          const ledger = new SeqLedger(10);
          const took = [10, 11, 11, 15, 13, 13, 12, 9, 20].map((seq) => ledger.take(seq));
          const holes = ledger.holes;
          ledger.close(14, 17);
          return { took, holes, rest: ledger.holes, last: ledger.last, late: ledger.take(14) };
        }"""
    )
    assert taken == {
        "took": [False, True, False, True, True, False, True, False, True],
        "holes": [[14, 14], [16, 19]],
        "rest": [[18, 19]],
        "last": 20,
        "late": False,
    }


def test_the_badge_of_a_page_says_how_it_is_connected(visitor, market):
    visitor.goto(market.address)
    badge = visitor.locator("#connection")
    expect(badge).to_have_attribute("data-state", "live")
    expect(badge).to_have_attribute("data-transport", "socket")
    market.kill()
    expect(badge).to_have_attribute("data-state", "reconnecting")
    market.start()
    expect(badge).to_have_attribute("data-state", "live")
