"""Kills, signals and restarts leave the record complete."""

import json
import random
import signal
import time

import pytest
from websockets.exceptions import ConnectionClosed

from rig.databases import seeded_database_url
from rig.processes import environment, free_port, manage, open_stream, running
from rig.waiting import PATIENCE_S

pytestmark = pytest.mark.processes

SYMBOLS = ["YM", "NQ"]
KILLS, LONG_KILLS = 2, 20
HISTORIES = """
import json
from django.core.management import call_command
from instruments.models import Instrument
from quotes.models import Quote
call_command("audit")
print(json.dumps({i.symbol: [[q.seq, int(q.at.timestamp() * 1000), i.lattice.number(q.ticks)]
    for q in Quote.objects.of(i)] for i in Instrument.objects.all()}))
"""


@pytest.fixture
def env(tmp_path):
    return environment(seeded_database_url(tmp_path))


def audited_histories(env):
    """Audit the record; return the rows of each symbol as the API encodes them."""
    return json.loads(manage("shell", "-v0", "-c", HISTORIES, env=env).splitlines()[-1])


def follow(socket, topic="quotes.YM"):
    socket.send(json.dumps({"op": "subscribe", "args": [topic]}))


def first_ticks(socket):
    """Return the rows of the next ticks frame."""
    deadline = time.monotonic() + PATIENCE_S
    while (rest := deadline - time.monotonic()) > 0:
        frame = json.loads(socket.recv(timeout=rest))
        if frame.get("type") == "ticks":
            return frame["data"]
    raise AssertionError(f"no ticks within {PATIENCE_S} s")


def ticks_until(socket, deadline=float("inf")):
    """Return the rows that arrive until `deadline`, or until the server closes the socket."""
    rows = []
    while (rest := deadline - time.monotonic()) > 0:
        try:
            frame = json.loads(socket.recv(timeout=min(rest, PATIENCE_S)))
        except (TimeoutError, ConnectionClosed):
            break
        if frame.get("type") == "ticks":
            rows += frame["data"]
    return rows


@pytest.mark.both_databases
@pytest.mark.timeout(1200)
def test_seq_has_no_gaps_and_published_ticks_survive_kills(env, request):
    chance = random.Random(20)
    seen = {}
    for _ in range(LONG_KILLS if request.config.getoption("long") else KILLS):
        port = free_port()
        arguments = ["--serve", f"127.0.0.1:{port}", "--speed", "200", "--instruments", *SYMBOLS]
        with running("runsim", *arguments, env=env) as process:
            with open_stream(port, process) as socket:
                follow(socket)
                rows = first_ticks(socket)
                rows += ticks_until(socket, time.monotonic() + chance.uniform(0, 1))
                process.send_signal(signal.SIGKILL)
                process.wait(PATIENCE_S)
            seqs = [row[0] for row in rows]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            seen |= {row[0]: row for row in rows}
    history = {row[0]: row for row in audited_histories(env)["YM"]}
    assert list(history) == list(range(1, len(history) + 1))
    assert {seq: history.get(seq) for seq in seen} == seen


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_signal_ends_run_and_all_ticks_are_recorded(env, name):
    port = free_port()
    market = ["--speed", "50", "--instruments", *SYMBOLS]
    with running("runsim", "--serve", f"127.0.0.1:{port}", *market, "--json", env=env) as run:
        with open_stream(port, run) as socket:
            follow(socket)
            rows = first_ticks(socket)
            run.send_signal(name)
            rows += ticks_until(socket)
        output, errors = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 0, errors
    assert "Traceback" not in errors
    assert json.loads(output.splitlines()[-1])["recorded"] > 0
    history = audited_histories(env)["YM"]
    assert [row for row in history if row[0] >= rows[0][0]][: len(rows)] == rows


def test_second_runsim_is_rejected_with_lease_holder_and_start_time(env):
    port = free_port()
    arguments = ["--serve", f"127.0.0.1:{port}", "--instruments", *SYMBOLS]
    with running("runsim", *arguments, env=env) as first:
        with open_stream(port, first) as socket:
            follow(socket)
            first_ticks(socket)
        with running("runsim", "--instruments", "YM", env=env) as second:
            _, errors = second.communicate(timeout=PATIENCE_S)
    assert second.returncode == 1
    assert "YM has been driven by" in errors
    assert f":{first.pid}:" in errors
    assert len(errors.strip().splitlines()) == 1


def test_live_run_and_backfill_of_one_seed_store_equal_rows(tmp_path):
    live, filled = env_in(tmp_path / "live"), env_in(tmp_path / "filled")
    law = ["--seed", "7", "--instruments", *SYMBOLS]
    manage("runsim", "--speed", "1000", "--duration", "2", *law, env=live)
    span = ["--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T00:33:19Z"]
    manage("backfill", *span, *law, env=filled)
    histories = audited_histories(live)
    assert histories == audited_histories(filled)
    assert [len(histories[symbol]) for symbol in SYMBOLS] == [2000, 2000]


def env_in(folder):
    folder.mkdir()
    return environment(seeded_database_url(folder))
