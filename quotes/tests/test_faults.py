"""What a kill, a stop and a start may not do to the record."""

import contextlib
import json
import random
import signal
import time

import pytest
from websockets.exceptions import ConnectionClosed

from rig.processes import (
    audit,
    environment,
    free_port,
    manage,
    new_database_url,
    open_stream,
    running,
)

SYMBOLS = ["ES", "NQ"]
KILLS = 20


@pytest.fixture
def env(tmp_path):
    env = environment(new_database_url(tmp_path))
    manage("migrate", "-v0", env=env)
    manage("seedinstruments", env=env)
    return env


def stored(env, symbol="ES"):
    """Return {seq: price} as the API's encoder would give it, read by a process of its own."""
    code = (
        "import json; from instruments.models import Instrument; from quotes.models import Quote; "
        f"i = Instrument.objects.get(symbol='{symbol}'); "
        "print(json.dumps([[q.seq, int(q.at.timestamp() * 1000), i.lattice.number(q.ticks)] "
        "for q in Quote.objects.of(i)]))"
    )
    return json.loads(manage("shell", "-v0", "-c", code, env=env).splitlines()[-1])


def receive_for(socket, seconds):
    """Return the rows of ticks that arrive within `seconds`, by topic."""
    rows = []
    deadline = time.monotonic() + seconds
    while (rest := deadline - time.monotonic()) > 0:
        try:
            frame = json.loads(socket.recv(timeout=rest))
        except TimeoutError:
            break
        if frame.get("type") == "ticks":
            rows += frame["data"]
    return rows


@pytest.mark.timeout(420)
def test_twenty_kills_leave_no_hole_and_nothing_that_was_seen_is_lost(env):
    chance = random.Random(20)
    seen = {}
    for _ in range(KILLS):
        port = free_port()
        arguments = ["--serve", f"127.0.0.1:{port}", "--speed", "200", "--instruments", *SYMBOLS]
        with running("runsim", *arguments, env=env) as process:
            with open_stream(port, process) as socket:
                socket.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]}))
                rows = receive_for(socket, chance.uniform(0.2, 1.2))
                process.send_signal(signal.SIGKILL)
                process.wait(10)
            assert rows
            seqs = [row[0] for row in rows]
            assert seqs == list(range(seqs[0], seqs[0] + len(seqs)))
            seen |= {row[0]: row for row in rows}
        assert audit(env)["ok"]
    history = {row[0]: row for row in stored(env)}
    assert list(history) == list(range(1, len(history) + 1))
    assert {seq: history.get(seq) for seq in seen} == seen


@pytest.mark.parametrize("name", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_within_two_seconds_and_everything_is_recorded(env, name):
    port = free_port()
    with running(
        "runsim", "--serve", f"127.0.0.1:{port}", "--speed", "50", "--json", env=env
    ) as run:
        with open_stream(port, run) as socket:
            socket.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]}))
            rows = receive_for(socket, 0.5)
            started = time.monotonic()
            run.send_signal(name)
            rows += receive_for_until_closed(socket)
            run.wait(10)
            took = time.monotonic() - started
        output, errors = run.communicate()
    assert run.returncode == 0, errors
    assert took < 2
    assert "Traceback" not in errors
    assert json.loads(output.splitlines()[-1])["recorded"] > 0
    history = stored(env)
    assert [row for row in history if row[0] >= rows[0][0]][: len(rows)] == rows
    assert audit(env)["ok"]


def receive_for_until_closed(socket):
    rows = []
    with contextlib.suppress(ConnectionClosed):
        for message in socket:
            frame = json.loads(message)
            if frame.get("type") == "ticks":
                rows += frame["data"]
    return rows


def test_a_second_runsim_is_refused_with_who_drives_and_since_when(env):
    port = free_port()
    with running("runsim", "--serve", f"127.0.0.1:{port}", env=env) as first:
        with open_stream(port, first) as socket:
            socket.send(json.dumps({"op": "subscribe", "args": ["quotes.ES"]}))
            assert receive_for(socket, 1.5)
        with running("runsim", "--instruments", "ES", env=env) as second:
            _, errors = second.communicate(timeout=60)
    assert second.returncode == 1
    assert "ES is driven by" in errors
    assert f":{first.pid}:" in errors
    assert len(errors.strip().splitlines()) == 1


def test_twins_and_backfill_give_the_same_rows(tmp_path):
    histories = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        env = environment(new_database_url(folder))
        manage("migrate", "-v0", env=env)
        manage("seedinstruments", env=env)
        arguments = ["--seed", "7", "--instruments", *SYMBOLS]
        if name == "a":
            manage("runsim", "--speed", "1000", "--duration", "5", *arguments, env=env)
        else:
            span = ["--since", "2026-01-01T00:00:00Z", "--until", "2026-01-01T01:23:19Z"]
            manage("backfill", *span, *arguments, env=env)
        assert audit(env)["ok"]
        histories.append([stored(env, symbol) for symbol in SYMBOLS])
    assert len(histories[0][0]) == 5000
    assert histories[0] == histories[1]
