"""Replays reproduce times, prices and candles at their own pace."""

import io
import json
import threading
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal
from typing import Any

import numpy as np
import pytest
from django.core.management import CommandError, call_command

from archive.auditing import audit
from instruments.models import Instrument
from journal.journal import Journal
from journal.models import Lease
from live.broadcast import Broadcaster, LoopThread
from market.kinds import Delivery
from market.ticks import Ticks, tick_array
from quotes.kinds import QUOTES
from quotes.models import Candle, Quote, Run
from quotes.replaying import Replay, ReplayRange, paced

STARTED_AT = 1_704_205_800_000_000  # 2024-01-02T14:30:00Z


def history(instrument: int, at_s: list[float], first_seq: int = 1) -> Ticks:
    n = len(at_s)
    times = STARTED_AT + (np.array(at_s) * 1_000_000).astype(np.int64)
    return tick_array(instrument, np.arange(first_seq, first_seq + n), times, np.arange(n) + 100)


class Clock:
    """A clock that advances only while the replay sleeps."""

    def __init__(self) -> None:
        self.now = 50.0

    def __call__(self) -> float:
        return self.now


class SleepingStop(threading.Event):
    """A stop event that sleeps by advancing the clock and is set at `until` seconds."""

    def __init__(self, clock: Clock, until: float = np.inf) -> None:
        super().__init__()
        self.clock, self.until = clock, until

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.clock.now += timeout
        if self.clock.now >= self.until:
            self.set()
        return self.is_set()


def played(chunks: list[Ticks], speed: float, until: float = np.inf) -> list[tuple[int, float]]:
    """Return (seq, seconds after the start) of every tick on arrival."""
    clock = Clock()
    pieces = paced(iter(chunks), speed, SleepingStop(clock, until), clock)
    return [(int(seq), clock.now - 50) for piece in pieces for seq in piece["seq"]]


@pytest.mark.parametrize("speed", [0.5, 1, 60])
def test_ticks_arrive_at_original_intervals_divided_by_speed(speed: float) -> None:
    at_s = [0, 1, 1.5, 7, 7.001, 300]
    chunks = [history(1, at_s[:2]), history(1, at_s[2:], first_seq=3)]
    came = played(chunks, speed)
    assert [seq for seq, _ in came] == [1, 2, 3, 4, 5, 6]
    for (_, moment), due in zip(came, at_s, strict=True):
        assert due / speed - 1e-9 <= moment <= due / speed + 0.0101


def test_ticks_due_together_are_delivered_together() -> None:
    clock = Clock()
    chunk = history(1, [i / 1000 for i in range(1000)])
    pieces = list(paced(iter([chunk]), 1000, SleepingStop(clock), clock))
    assert len(pieces) == 2
    assert np.array_equal(np.concatenate(pieces), chunk)


def test_stop_ends_replay_between_ticks() -> None:
    assert [seq for seq, _ in played([history(1, [0, 1, 2, 3])], 1, until=51.5)] == [1, 2]


def test_stop_is_noticed_during_a_long_gap() -> None:
    assert [seq for seq, _ in played([history(1, [0, 1e9])], 1, until=60)] == [1]


@pytest.fixture
def source(transactional_db: None) -> Instrument:
    """Return an instrument with two hours of recorded ticks, one every 7 s."""
    instrument = Instrument.objects.create(
        symbol="SRC", name="Source", tick_size=Decimal("0.01"), currency="EUR"
    )
    with Journal([instrument]) as journal:
        journal.append([Delivery(QUOTES, history(instrument.pk, [7 * i for i in range(1029)]))])
    return instrument


def replay(*arguments: str) -> dict[str, Any]:
    out = io.StringIO()
    call_command("replay", *arguments, "--speed", "1e9", "--json", stdout=out)
    report: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
    return report


def rows_of(symbol: str) -> list[tuple[int, datetime, int]]:
    quotes = Quote.objects.of(Instrument.objects.get(symbol=symbol))
    return list(quotes.values_list("seq", "at", "ticks"))


def candles_of(symbol: str) -> list[tuple[Any, ...]]:
    columns = [f.name for f in Candle._meta.fields if f.name not in ("id", "instrument")]
    candles = Candle.objects.filter(instrument__symbol=symbol).order_by("timeframe", "opened_at")
    return list(candles.values_list(*columns))


def test_replay_reproduces_quotes_and_candles(source: Instrument) -> None:
    report = replay("SRC", "--as", "AGAIN")
    assert (report["recorded"], report["remaining"]) == (1029, 0)
    assert rows_of("AGAIN") == rows_of("SRC")
    assert candles_of("AGAIN") == candles_of("SRC") != []
    again = Instrument.objects.get(symbol="AGAIN")
    assert (again.tick_size, again.currency) == (source.tick_size, "EUR")
    assert audit(again).violations == []
    assert not Lease.objects.exists()


def test_time_range_is_replayed_with_seq_from_1(source: Instrument) -> None:
    arguments = ["--from", "2024-01-02T14:31:00Z", "--to", "1704206460000"]
    assert replay("SRC", "--as", "PART", *arguments)["recorded"] == 86
    part, whole = rows_of("PART"), rows_of("SRC")
    assert [seq for seq, _, _ in part] == list(range(1, 87))
    assert [row[1:] for row in part] == [row[1:] for row in whole[9:95]]


class StopAfter(threading.Event):
    """A stop event that is set after `n` ticks."""

    def __init__(self, n: int) -> None:
        super().__init__()
        self.left = n

    def count(self, n: int) -> None:
        self.left -= n
        if self.left <= 0:
            self.set()


@pytest.fixture
def broadcast() -> Iterator[LoopThread]:
    thread = LoopThread()
    thread.start()
    yield thread
    thread.stop()


def test_replay_resumes_where_it_stopped(source: Instrument, broadcast: LoopThread) -> None:
    target = Instrument.objects.create(symbol="AGAIN", name="Again", tick_size=Decimal("0.01"))
    stop = StopAfter(1)
    part = Replay(ReplayRange(source), target, 1.0, Broadcaster([target], broadcast.loop))
    recorded = part.run(stop, stop.count)
    assert recorded == len(rows_of("AGAIN")) >= 1
    report = replay("SRC", "--as", "AGAIN")
    assert report["recorded"] == 1029 - recorded
    assert rows_of("AGAIN") == rows_of("SRC")
    assert candles_of("AGAIN") == candles_of("SRC")
    with pytest.raises(CommandError, match="AGAIN already ends at 2024-01-02T16:29:56"):
        replay("SRC", "--as", "AGAIN")


def test_unsuitable_target_is_rejected_and_nothing_is_created(source: Instrument) -> None:
    coarse = Instrument.objects.create(symbol="COARSE", name="Coarse", tick_size=1)
    simulated = Instrument.objects.create(symbol="SIM", name="Sim", tick_size=Decimal("0.01"))
    Run.objects.create(
        instrument=simulated,
        seed=1,
        interval_us=1,
        first_seq=1,
        started_at=0,
        start_ticks=1,
        start_direction=1,
        regime_mean_s=300,
        regime_floor_s=30,
    )
    refusals = {
        ("SRC", "--as", "SRC"): "cannot be replayed into itself",
        ("SRC", "--as", "COARSE"): "the tick size of COARSE is 1, that of SRC 0.01",
        ("SRC", "--as", "SIM"): "SIM is simulated",
        ("SRC", "--as", "new one"): "symbol: Use capital letters",
        ("SRC", "--as", "NEW", "--from", "2030-01-01"): "SRC has no quotes in that time range",
        ("SRC", "--as", "NEW", "--from", "2024-01-02", "--to", "2024-01-01"): "is not before --to",
        ("SRC", "--as", "NEW", "--to", "soon"): "'soon' is not a time",
        ("NOPE", "--as", "NEW"): "unknown instrument NOPE",
    }
    for arguments, message in refusals.items():
        with pytest.raises(CommandError, match=message) as refused:
            replay(*arguments)
        assert refused.value.returncode == 2
    assert list(Instrument.objects.order_by("pk")) == [source, coarse, simulated]
    assert Quote.objects.exclude(instrument=source).count() == 0


def test_target_driven_by_another_process_is_rejected(source: Instrument) -> None:
    target = Instrument.objects.create(symbol="AGAIN", name="Again", tick_size=Decimal("0.01"))
    with Journal([target]) as other, pytest.raises(CommandError) as refused:
        replay("SRC", "--as", "AGAIN")
    assert f"AGAIN has been driven by {other.holder} since" in str(refused.value)
    assert rows_of("AGAIN") == []
