"""The stream as server-sent events, from a real server."""

import http.client
import json
import re
import signal
import time
from urllib.request import urlopen

import pytest

from rig.databases import seeded_database_url
from rig.processes import environment, free_port, open_stream, running

pytestmark = pytest.mark.processes


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Return the port of a live market of YM."""
    env = environment(seeded_database_url(tmp_path_factory.mktemp("market")))
    port = free_port()
    arguments = ["--serve", f"127.0.0.1:{port}", "--speed", "20", "--instruments", "YM"]
    with running("runsim", *arguments, env=env) as run:
        with open_stream(port, run):
            pass
        yield port
        run.send_signal(signal.SIGTERM)
        _, errors = run.communicate(timeout=60)
        assert "Traceback" not in errors


def ask(port, query, last_id=""):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", f"/api/v1/stream/?{query}", headers={"Last-Event-ID": last_id})
    return connection, connection.getresponse()


def read_events(answer, count):
    """Return the next `count` events as (id, frame)."""
    events = []
    place = None
    while len(events) < count:
        line = answer.readline().decode().rstrip("\n")
        name, _, value = line.partition(": ")
        if name == "id":
            place = value
        elif name == "data":
            events.append((place, json.loads(value)))
    return events


def test_reconnecting_client_resumes_after_its_last_event(server):
    connection, answer = ask(server, "topics=quotes.YM,status.YM")
    assert answer.status == 200
    assert answer.getheader("Content-Type") == "text/event-stream"
    events = read_events(answer, 5)
    connection.close()
    assert {"topic": "status.YM", "type": "status", "state": "live"} in [e[1] for e in events]
    place = events[-1][0]
    open_stream_for_a_moment(server)
    connection, answer = ask(server, "topics=quotes.YM,status.YM", f"quotes.{place}")
    events += read_events(answer, 5)
    connection.close()
    seqs = [row[0] for _, frame in events if frame["type"] == "ticks" for row in frame["data"]]
    assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
    assert events[-1][0] == f"YM:{seqs[-1]}"


def open_stream_for_a_moment(port):
    """Wait for ticks, which another client counts."""
    connection, answer = ask(port, "topics=quotes.YM")
    read_events(answer, 5)
    connection.close()


@pytest.mark.parametrize(
    ("query", "last_id", "complaint"),
    [
        ("", "", "topics is empty"),
        ("topics=quotes.XX", "", "topic quotes.XX names no instrument"),
        ("topics=prices.YM", "", "topic 'prices.YM' is unknown"),
        ("topics=quotes.YM", "YM:x", "'YM:x' is not a position in a stream: use TOPIC:SEQ"),
    ],
)
def test_invalid_requests_get_400_with_the_reason(server, query, last_id, complaint):
    connection, answer = ask(server, query, last_id)
    assert answer.status == 400
    assert answer.getheader("Content-Type") == "application/problem+json"
    assert complaint in json.load(answer)["detail"]
    connection.close()


def test_disconnected_client_is_released(server):
    wait_for_open_streams(server, 0)  # streams of other tests have ended
    connection, answer = ask(server, "topics=quotes.YM")
    read_events(answer, 1)
    assert open_streams(server) == 1
    connection.close()
    answer.close()
    wait_for_open_streams(server, 0)


def wait_for_open_streams(port, count):
    deadline = time.monotonic() + 60
    while (found := open_streams(port)) != count:
        assert time.monotonic() < deadline, f"{found} streams are open, not {count}"
        time.sleep(0.05)


def open_streams(port):
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=60) as metrics:
        text = metrics.read().decode()
    return float(re.search(r"^pytrade_event_streams (.*)$", text, re.MULTILINE)[1])
