"""Requests per second of the selector server, wsgiref, waitress and gunicorn's gthread worker.

Each serves the same WSGI application in its own process. 4 clients with persistent connections
request responses of 20 kB, the size of about 500 candles.
"""

import http.client
import subprocess
import sys
import threading
import time

from benchmarks.harness import report
from rig.processes import free_port, wait_for_http

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
        wait_for_http(f"http://127.0.0.1:{port}/", process)
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
