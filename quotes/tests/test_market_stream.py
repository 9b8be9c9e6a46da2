"""The stream client of the pages in Chromium, with a server that is killed and restarted."""

import contextlib
import json
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
  const received = { seqs: [], states: [], transports: [], perFrame: [], gaps: 0 };
  let frame = 0, counted = -1;
  const count = () => { frame += 1; requestAnimationFrame(count); };
  count();
  const stream = new MarketStream({ since });
  stream.addEventListener("ticks", ({ detail: { rows } }) => {
    received.seqs.push(...rows.map(([seq]) => seq));
    if (frame === counted) received.perFrame.push(frame);
    counted = frame;
  });
  stream.addEventListener("gap", () => { received.gaps += 1; });
  stream.addEventListener("state", ({ detail }) => {
    received.states.push(detail.state);
    if (detail.transport) received.transports.push(detail.transport);
  });
  Object.assign(window, { received, stream });
  stream.start();
}"""
UNAVAILABLE = (
    "class { constructor() { setTimeout(() => (this.onclose ?? this.onerror)?.()); } close() {} }"
)
NO_SOCKET = f"window.WebSocket = {UNAVAILABLE};"
NO_EVENTS = f"window.EventSource = {UNAVAILABLE};"


class Market:
    """A live market of ES on one port that can be killed and restarted."""

    process: subprocess.Popen[str] | None = None

    def __init__(self, folder: Path, speed: str) -> None:
        self.env = environment(seeded_database_url(folder))
        self.port = free_port()
        self.address = f"http://127.0.0.1:{self.port}"
        self.speed = speed
        self._running = contextlib.ExitStack()

    def start(self) -> None:
        """Start the market unless it is running."""
        if self.process is not None:
            return
        arguments = ["--serve", f"127.0.0.1:{self.port}", "--instruments", "ES"]
        self._running = contextlib.ExitStack()
        self.process = self._running.enter_context(
            running("runsim", *arguments, "--speed", self.speed, env=self.env)
        )
        with open_stream(self.port, self.process) as stream:
            stream.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]}))
            while json.loads(stream.recv(timeout=60)).get("type") != "ticks":
                pass  # the server answers before the market moves

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
    """The running market; resumed and restarted if the previous test failed."""
    one_market.start()
    yield one_market
    if one_market.process is not None:
        one_market.process.send_signal(signal.SIGCONT)


def listen(page: Page, market: Market, since: int = 1) -> None:
    page.goto(f"{market.address}/livez")
    page.evaluate(LISTEN, {"ES": since})


def receive_more(page: Page, count: int = 40) -> None:
    """Wait for `count` more ticks."""
    page.wait_for_function(
        "most => received.seqs.length >= most",
        arg=page.evaluate("received.seqs.length") + count,
    )


def assert_each_tick_once(page: Page) -> None:
    page.wait_for_function(
        "() => Math.max(...received.seqs) < received.seqs.length + Math.min(...received.seqs)"
    )
    seqs = page.evaluate("received.seqs")
    assert sorted(seqs) == list(range(2, len(seqs) + 2))


def test_every_tick_arrives_once_although_the_server_is_killed(visitor, market):
    listen(visitor, market)
    for _ in range(2):
        receive_more(visitor)
        market.kill()
        visitor.wait_for_function("received.states.at(-1) === 'reconnecting'")
        market.start()
        visitor.wait_for_function("received.states.at(-1) === 'live'")
    receive_more(visitor)
    assert_each_tick_once(visitor)
    assert visitor.evaluate("received.perFrame") == []
    assert visitor.evaluate("received.transports").count("socket") > 0


def test_page_reconnects_after_the_server_hung(visitor, market):
    listen(visitor, market)
    receive_more(visitor)
    market.process.send_signal(signal.SIGSTOP)
    visitor.evaluate("dispatchEvent(new Event('online'))")  # as after a change of the network
    visitor.wait_for_function("received.states.at(-1) === 'reconnecting'")
    market.process.send_signal(signal.SIGCONT)
    visitor.wait_for_function("received.states.at(-1) === 'live'")
    receive_more(visitor)
    assert_each_tick_once(visitor)


def test_page_shows_offline_and_resumes(visitor, market):
    listen(visitor, market)
    receive_more(visitor)
    visitor.context.set_offline(True)
    visitor.wait_for_function("received.states.at(-1) === 'offline'")
    visitor.context.set_offline(False)
    visitor.wait_for_function("received.states.at(-1) === 'live'")
    receive_more(visitor)
    assert_each_tick_once(visitor)


@pytest.mark.parametrize(
    ("script", "transport", "state"),
    [(NO_SOCKET, "events", "live"), (NO_SOCKET + NO_EVENTS, "polling", "polling")],
    ids=["events", "polling"],
)
def test_every_tick_arrives_over_fallback_transports(visitor, market, script, transport, state):
    visitor.add_init_script(script)
    listen(visitor, market)
    visitor.wait_for_function("way => received.transports.at(-1) === way", arg=transport)
    receive_more(visitor)
    market.kill()
    visitor.wait_for_function("received.states.at(-1) === 'reconnecting'")
    market.start()
    visitor.wait_for_function("state => received.states.at(-1) === state", arg=state)
    receive_more(visitor)
    assert_each_tick_once(visitor)


def test_gap_is_filled_from_the_history(visitor, market):
    """The page missed more than the server replays."""
    until, seqs = "2026-01-02T00:00:00Z", 12_500
    market.kill()
    manage("backfill", "--hours", "4", "--until", until, "--instruments", "NQ", env=market.env)
    market.start()
    visitor.goto(f"{market.address}/livez")
    visitor.evaluate(LISTEN, {"NQ": 1})
    visitor.wait_for_function("most => received.seqs.length >= most", arg=seqs)
    assert_each_tick_once(visitor)
    assert visitor.evaluate("received.gaps") == 0


def test_seq_ledger_handles_duplicate_late_and_missing_rows(page, market):
    """The ledger returns which rows are new, and keeps the holes."""
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


def test_badge_shows_the_state_of_the_connection(visitor, market):
    visitor.goto(market.address)
    badge = visitor.locator("#connection")
    expect(badge).to_have_attribute("data-state", "live")
    expect(badge).to_have_attribute("data-transport", "socket")
    market.kill()
    expect(badge).to_have_attribute("data-state", "reconnecting")
    market.start()
    expect(badge).to_have_attribute("data-state", "live")
