"""Fixtures for the whole suite: services, Chromium, running markets and browser pages."""

import contextlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from playwright._impl._api_structures import SetCookieParam  # it has no public name
from playwright.sync_api import Browser, Page, sync_playwright

from rig.chromium import FLAGS, chromium_of_package, watched_page
from rig.databases import seeded_database_url
from rig.longhistory import serving
from rig.processes import environment, free_port, manage, open_stream, running
from rig.waiting import wait_until
from scripts.services import PostgreSQL

Cookie = SetCookieParam
LONG_MINUTES = 30_000
FAR = 50
"""Points below the price of ES, which it does not cross within a test run."""
FAILED_LOAD = ("Failed to load resource", "WebSocket connection to")
"""Console errors that Chromium logs when a server is unavailable."""


@pytest.fixture(scope="session")
def market_env(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of `market`, with its database."""
    return environment(seeded_database_url(tmp_path_factory.mktemp("market")))


@pytest.fixture(scope="session")
def market(market_env: dict[str, str]) -> Iterator[str]:
    """The URL of a running market with 12 h of history for ES and NQ only."""
    env = market_env
    port = free_port()
    arguments = ["--serve", f"127.0.0.1:{port}", "--backfill", "12h", "--instruments", "ES", "NQ"]
    with running("runsim", *arguments, env=env) as process:
        with open_stream(port, process) as socket:
            socket.send(json.dumps({"op": "subscribe", "args": ["quotes.NQ"]}))
            while not is_fresh(json.loads(socket.recv(timeout=60))):
                pass
        yield f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def staff(market: str, market_env: dict[str, str]) -> Cookie:
    """A staff session cookie for `market`; also creates runs in every state there."""
    code = "from indicators.tests.stage import stage; print(stage('ES'))"
    key = manage("shell", "-v0", "-c", code, env=market_env).split()[-1]
    return {"name": "sessionid", "value": key, "url": market}


@pytest.fixture(scope="session")
def trader(browser: Browser, market: str) -> Cookie:
    """A session cookie for `market` of a practice account with a position and a resting order."""
    context = browser.new_context(base_url=market)
    context.request.get("/instruments/ES/")
    cookies = {cookie.get("name"): cookie.get("value") for cookie in context.cookies()}
    headers = {"X-CSRFToken": str(cookies["csrftoken"])}

    def place(**order: str) -> bool:
        data = {"symbol": "ES", "side": "buy", "quantity": "2", **order}
        return context.request.post("/api/v1/orders/", data=data, headers=headers).ok

    assert context.request.post("/api/v1/practice/", data={}, headers=headers).ok
    wait_until(lambda: place(type="market"), "the book of ES has caught up with its quotes")
    (bid, _), *_ = context.request.get("/api/v1/instruments/ES/book/?depth=1").json()["bids"]
    assert place(type="limit", price=str(bid - FAR))
    cookies = {cookie.get("name"): cookie.get("value") for cookie in context.cookies()}
    context.close()
    return {"name": "sessionid", "value": str(cookies["sessionid"]), "url": market}


def is_fresh(frame: dict[str, Any]) -> bool:
    """Tell whether a frame carries a current tick, which means the backfill is complete."""
    return frame.get("type") == "ticks" and frame["data"][-1][1] > (time.time() - 3) * 1000


@pytest.fixture(scope="session")
def long_history(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a web process with three weeks of minute candles for LONG and no live market."""
    env = environment(seeded_database_url(tmp_path_factory.mktemp("long")))
    code = f"from rig.longhistory import *; store_minutes('LONG', {LONG_MINUTES})"
    manage("shell", "-v0", "-c", code, env=env)
    with serving(env) as address:
        yield address


@pytest.fixture
def visitor(browser: Browser) -> Iterator[Page]:
    """A page that may log failed connections to the server, and no other errors."""
    with watched_page(browser, *FAILED_LOAD) as page:
        yield page


@pytest.fixture(scope="session")
def spare_postgresql() -> Iterator[PostgreSQL]:
    """A PostgreSQL server separate from the one this test run uses."""
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        PostgreSQL(folder, durable=False) as server,
    ):
        yield server


@pytest.fixture
def postgresql(spare_postgresql: PostgreSQL) -> Iterator[PostgreSQL]:
    """A PostgreSQL server to stop, pause and kill; running again after each test."""
    yield spare_postgresql
    with contextlib.suppress(psutil.NoSuchProcess):
        spare_postgresql.resume()
    spare_postgresql.start()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """A headless Chromium; the CHROMIUM variable overrides the executable of the npm package."""
    executable, libraries = os.environ.get("CHROMIUM", ""), ""
    if not executable:
        executable, libraries = chromium_of_package()
    env: dict[str, str | float | bool] = {**os.environ, "LD_LIBRARY_PATH": libraries}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, env=env)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page that fails the test if its console logs an error."""
    with watched_page(browser) as page:
        yield page
