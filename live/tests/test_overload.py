"""A burst of connections and an overload of `runsim --serve` leave nothing behind once they end."""

import json
import re
import sys
from urllib.request import urlopen

import pytest

from rig.deliveries import parsed, verify
from rig.processes import free_port
from rig.servers import environment, make_market, running, wait_for
from rig.spectators import Spectators

pytestmark = pytest.mark.processes

SYMBOLS = [f"X{n}" for n in range(12)]
TOPICS = {f"quotes.{symbol}" for symbol in SYMBOLS}
STAY, HEAVY, ROUNDS = 5, 60, 3


def hello(batch):
    return json.dumps({"op": "subscribe", "args": ["quotes.*"], "batch": batch}).encode()


def metric(port, name):
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=20) as answer:
        text = answer.read().decode()
    return sum(float(n) for n in re.findall(rf"^{name}(?:{{.*}})? (.*)$", text, re.MULTILINE))


def have_all(spectators):
    return all(
        {block.topic for _, payload in each.received for block in parsed(payload).blocks} == TOPICS
        for each in spectators
    )


def test_bursts_of_clients_leak_nothing_and_cause_no_reads(tmp_path):
    port = free_port()
    env = environment(make_market(tmp_path, SYMBOLS))
    market = ["runsim", "--interval", "0.02", "--serve", f"127.0.0.1:{port}"]
    with (
        running([sys.executable, "manage.py", *market], env) as process,
        Spectators() as spectators,
    ):
        wait_for(port, process)
        stay = spectators.connect(port, STAY, hello(batch=True))
        spectators.run(30, lambda: have_all(stay))
        for _ in range(ROUNDS):
            heavy = spectators.connect(port, HEAVY, hello(batch=False))
            spectators.run(30, lambda heavy=heavy: have_all(heavy))
            spectators.run(0.5)
            assert verify(heavy, 0, 0).is_whole
            assert spectators.lost == 0
            spectators.leave(heavy)
        spectators.run(30, lambda: metric(port, "pytrade_sockets") == STAY)
        until = stay[0].received[-1][0]
        spectators.run(2)
        assert verify(stay, 0, until).is_whole
        assert metric(port, "pytrade_sockets") == STAY
        assert metric(port, "pytrade_closes_total") == 0
        assert metric(port, "pytrade_stream_reads_total") <= 2 * len(SYMBOLS)
