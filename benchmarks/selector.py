"""Requests a second of the selector server beside wsgiref, waitress and gunicorn's gthread.

Each serves the same WSGI application in a process of its own: 4 clients that keep their connection
ask for an answer of 20 kB, about 500 candles.
"""

import http.client
import socket
import subprocess
import sys
import threading
import time

from benchmarks.harness import report

SECONDS = 3.0
CLIENTS = 4
APPLICATION = "benchmarks.selector_app"
SERVERS = {
    "selector": "from pytrade.selectorserver.server import SelectorServer as S\n"
    "S(app, ('127.0.0.1', PORT)).run()",
    "wsgiref": "from wsgiref.simple_server import *\n"
    "class Quiet(WSGIRequestHandler):\n    def log_message(self, *a): pass\n"
    "make_server('127.0.0.1', PORT, app, handler_class=Quiet).serve_forever()",
    "waitress": "import waitress\nwaitress.serve(app, host='127.0.0.1', port=PORT, threads=8)",
    "gunicorn gthread": "from gunicorn.app.wsgiapp import run\nimport sys\n"
    "sys.argv = ['gunicorn', '-k', 'gthread', '--threads', '8', '-b', '127.0.0.1:PORT', "
    "'--log-level', 'error', 'benchmarks.selector_app:app']\nrun()",
}


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        return int(sock.getsockname()[1])


def wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while time.monotonic() < until:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise TimeoutError(f"nothing listens on port {port}")


def ask(port: int, until: float, took: list[float]) -> None:
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    while time.perf_counter() < until:
        started = time.perf_counter()
        client.request("GET", "/")
        assert len(client.getresponse().read()) == 20_000
        took.append(time.perf_counter() - started)
    client.close()


def measure(code: str) -> str:
    port = free_port()
    script = f"from {APPLICATION} import app\n" + code.replace("PORT", str(port))
    process = subprocess.Popen([sys.executable, "-c", script])
    try:
        wait_for(port)
        took: list[float] = []
        until = time.perf_counter() + SECONDS
        threads = [threading.Thread(target=ask, args=(port, until, took)) for _ in range(CLIENTS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        process.terminate()
        process.wait(10)
    p99 = sorted(took)[int(len(took) * 0.99)] * 1000
    return f"{len(took) / SECONDS:,.0f} requests/s, p99 {p99:.1f} ms"


def main() -> None:
    report("selector", {name: measure(code) for name, code in SERVERS.items()})


if __name__ == "__main__":
    main()
