"""Metrics of a separate simulation and of a web process, as Prometheus reads them."""

import json
import time
from urllib.request import urlopen

import pytest
from prometheus_client.parser import text_string_to_metric_families
from websockets.sync.client import connect

from rig.processes import free_port
from rig.stack import Role, Stack

pytestmark = pytest.mark.processes


def samples(address):
    with urlopen(f"{address}/metrics", timeout=60) as answer:
        text = answer.read().decode()
    return {
        ".".join([sample.name, *sample.labels.values()]): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def test_recording_and_streaming_are_counted_where_they_happen(postgresql):
    with Stack(["ES"], speed=20, webs=1, postgresql=postgresql) as stack:
        stack.simulation.stop()
        address = f"127.0.0.1:{free_port()}"
        arguments = ["--instruments", "NQ", "--speed", "20", "--metrics", address]
        with Role(["manage.py", "runsim", *arguments], stack.env, stack.log):
            with connect(f"ws://127.0.0.1:{stack.webs[0].port}/ws/v1/stream") as socket:
                request = {"op": "subscribe", "args": ["quotes.NQ"], "since": {"NQ": 0}}
                socket.send(json.dumps(request))
                frames = [json.loads(socket.recv(timeout=60)) for _ in range(6)]
                web = samples(stack.webs[0].url)
            simulation = samples(f"http://{address}")
    assert frames[-1]["type"] == "ticks"
    assert web["pytrade_sockets"] == web["pytrade_topics"] == 1
    assert web["pytrade_commit_to_send_seconds_count"] > 0
    assert web["pytrade_buffered_bytes"] == 0
    recorded = simulation["pytrade_records_total.quotes"]
    assert recorded >= frames[-1]["data"][-1][0]
    assert abs(recorded - simulation["pytrade_records_published_total.quotes"]) <= 20
    assert simulation["pytrade_flush_seconds_count"] > 0
    assert simulation["pytrade_commit_to_publish_seconds_count"] > 0
    assert 0 <= simulation["pytrade_schedule_lag_seconds"] < time.monotonic()
    assert {"pytrade_journal_queue_records", "pytrade_late_slots"} <= simulation.keys()
