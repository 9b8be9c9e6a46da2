"""The audit accepts a correct record and detects every planted corruption."""

import io
import json
import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from functools import partial

import numpy as np
import pytest
from django.core.management import CommandError, call_command
from django.db.models import F

from archive import records
from archive.auditing import audit
from instruments.models import Instrument
from journal.journal import Journal
from journal.models import Stream
from market.keys import row_key
from market.kinds import Delivery
from market.ticks import tick_array
from market.times import from_microseconds
from quotes.kinds import QUOTES
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, Walker
from quotes.models import Candle, Quote, Regime, Run

pytestmark = pytest.mark.django_db

STARTED_AT = 1_704_205_800_000_000  # 2024-01-02T14:30:00Z
TICKS = 3_000


@pytest.fixture
def recorded() -> Instrument:
    """Return an instrument with a simulated history of ten hours: ticks, candles, regimes."""
    instrument = Instrument.objects.create(symbol="T", name="T", tick_size=Decimal("0.25"))
    interval_us = 12_000_000
    Run.objects.create(
        instrument=instrument,
        seed=7,
        interval_us=interval_us,
        first_seq=1,
        started_at=STARTED_AT,
        start_ticks=500,
        start_direction=1,
        regime_mean_s=1200,
        regime_floor_s=30,
    )
    law = MarketLaw(
        instrument.pk, "T", 7, interval_us, 1, STARTED_AT, WalkState(500, 1), RegimeLaw(1200, 30)
    )
    walker = Walker(law, 1, law.start)
    with Journal([instrument]) as journal:
        for _ in range(3):
            journal.append(walker.take(TICKS // 3))
    return instrument


def candle(instrument: Instrument, timeframe_s: int) -> Candle:
    return Candle.objects.of(instrument, timeframe_s)[1]


def drop_tick(instrument: Instrument) -> None:
    Quote.objects.filter(pk=row_key(instrument.pk, 1500)).delete()


def drop_first_tick(instrument: Instrument) -> None:
    Quote.objects.filter(pk=row_key(instrument.pk, 1)).delete()


def swap_times(instrument: Instrument) -> None:
    quote = Quote.objects.get(pk=row_key(instrument.pk, 1500))
    quote.at -= timedelta(seconds=12, microseconds=1)
    quote.save()


def shift_time(instrument: Instrument) -> None:
    quote = Quote.objects.get(pk=row_key(instrument.pk, 1500))
    quote.at += timedelta(microseconds=1)
    quote.save()


def change_price(instrument: Instrument) -> None:
    Quote.objects.filter(pk=row_key(instrument.pk, 1500)).update(ticks=F("ticks") + 50)


def drop_candle(instrument: Instrument) -> None:
    candle(instrument, 3600).delete()


def change_candle(instrument: Instrument) -> None:
    Candle.objects.filter(pk=candle(instrument, 300).pk).update(high=F("high") + 1)


def miscount_candle(instrument: Instrument) -> None:
    Candle.objects.filter(pk=candle(instrument, 60).pk).update(count=F("count") - 1)


def plant_candle(instrument: Instrument, days: float) -> None:
    planted = candle(instrument, 1800)
    planted.pk, planted.timeframe = None, 60
    planted.opened_at = from_microseconds(STARTED_AT) + timedelta(days=days)
    planted.save()


def plant_candle_before(instrument: Instrument) -> None:
    plant_candle(instrument, -1)


def plant_open_candle(instrument: Instrument) -> None:
    end = STARTED_AT + (TICKS - 1) * 12_000_000
    plant_candle(instrument, (end // 60_000_000 * 60_000_000 - STARTED_AT) / 86_400e6)


def plant_open_day(instrument: Instrument) -> None:
    day = Candle.objects.of(instrument, 1800)[1]
    day.pk, day.timeframe = None, 604_800
    day.opened_at = from_microseconds(STARTED_AT // 86_400_000_000 * 86_400_000_000)
    day.save()


def regime(instrument: Instrument, index: int) -> Regime:
    return Regime.objects.filter(instrument=instrument).order_by("first_seq")[index]


def drop_regime(instrument: Instrument) -> None:
    regime(instrument, 2).delete()


def drop_first_regime(instrument: Instrument) -> None:
    regime(instrument, 0).delete()


def drop_last_regime(instrument: Instrument) -> None:
    Regime.objects.filter(instrument=instrument).latest("first_seq").delete()


def swap_regimes(instrument: Instrument) -> None:
    one, two = regime(instrument, 2), regime(instrument, 3)
    Regime.objects.filter(pk=two.pk).update(first_seq=one.first_seq - 1)


def move_regime_in_time(instrument: Instrument) -> None:
    late = regime(instrument, 2)
    late.at += timedelta(seconds=1)
    late.save()


def shorten_stream(instrument: Instrument) -> None:
    Stream.objects.filter(instrument=instrument, kind="quotes").update(last_seq=TICKS - 1)


def lengthen_stream(instrument: Instrument) -> None:
    Stream.objects.filter(instrument=instrument, kind="quotes").update(last_seq=TICKS + 1)


def exaggerate_phi(instrument: Instrument) -> None:
    Regime.objects.filter(pk=regime(instrument, 2).pk).update(phi=0.81)


CORRUPTIONS = [
    (drop_tick, "seq 1499 is followed by 1501"),
    (drop_first_tick, "seq 0 is followed by 2"),
    (swap_times, "quotes: record 1500 at .* is not later than the one before it"),
    (shift_time, "tick 1500 is at .*000001.*, but at .* in its run of seed 7"),
    (change_price, r"tick 1500 moves from \d+ to \d+ ticks, not by one"),
    (change_price, r"candles: 5m of .* has high \d+ instead of \d+"),
    (drop_candle, "candles: 1h of 2024-01-02T15:00:00.* is missing"),
    (change_candle, r"candles: 5m of 2024-01-02T14:35:00.* has high \d+ instead of \d+"),
    (miscount_candle, "candles: 1m of .* has count 4 instead of 5"),
    (plant_candle_before, "candles: 1m of 2024-01-01T14:30:00.* has no records"),
    (plant_open_candle, "candles: 1m of .* is stored but not closed"),
    (plant_open_day, "candles: 1w of 2024-01-02T00:00:00.* is stored but not closed"),
    (drop_regime, "regimes: seq 2 is followed by 4"),
    (drop_first_regime, r"the law began at tick 1, but its first regime at \d+"),
    (drop_last_regime, r"regimes: the stream ends at seq \d+, the stored records at \d+"),
    (swap_regimes, r"regime 4 begins with tick \d+, not after the one before it"),
    (move_regime_in_time, r"the regime from tick \d+ starts at 2024.*, but the tick is at 2024"),
    (exaggerate_phi, "regimes: regime 3 has phi 0.81: use -0.8 to 0.8"),
    (shorten_stream, "quotes: record 3000 is stored beyond the end of the stream"),
    (lengthen_stream, "quotes: the stream ends at seq 3001, the stored records at 3000"),
]


def test_correct_record_passes(recorded: Instrument) -> None:
    report = audit(recorded)
    assert report.violations == []
    assert report.counts["quotes"] == TICKS
    assert report.counts["candles"] == Candle.objects.count() > 700
    assert report.counts["regimes"] == Regime.objects.count() > 10


all_chunks = records.chunks


def cut(instrument: Instrument, kind: str, last_seq: int) -> None:
    Stream.objects.filter(instrument=instrument, kind=kind).update(last_seq=last_seq)


@pytest.mark.parametrize("chunk", [1, 7, 1000])
def test_result_does_not_depend_on_chunk_size(
    recorded: Instrument, monkeypatch: pytest.MonkeyPatch, chunk: int
) -> None:
    monkeypatch.setattr(records, "chunks", partial(all_chunks, size=chunk))
    Quote.objects.filter(pk__gt=row_key(recorded.pk, 300)).delete()
    Candle.objects.filter(last_seq__gt=299).delete()
    Regime.objects.filter(first_seq__gt=300).delete()
    cut(recorded, "quotes", 300)
    cut(recorded, "regimes", Regime.objects.count())
    report = audit(recorded)
    assert report.counts["quotes"] == 300
    assert report.counts["candles"] == Candle.objects.count()
    assert report.violations == []


@pytest.mark.parametrize(("corrupt", "violation"), CORRUPTIONS)
def test_planted_corruption_is_detected(
    recorded: Instrument, corrupt: Callable[[Instrument], None], violation: str
) -> None:
    corrupt(recorded)
    out = io.StringIO()
    with pytest.raises(CommandError, match="violations found") as failed:
        call_command("audit", "--instruments", "T", "--json", stdout=out)
    assert failed.value.returncode == 1
    report = json.loads(out.getvalue().splitlines()[-1])
    assert report["ok"] is False
    assert report["violation_count"] >= len(report["violations"]) >= 1
    assert any(re.search(violation, text) for text in report["violations"]), report


def test_ticks_before_a_run_need_no_regimes(recorded: Instrument) -> None:
    Regime.objects.all().delete()
    cut(recorded, "regimes", 0)
    Run.objects.all().delete()
    assert audit(recorded).violations == []


def test_instrument_without_history_passes() -> None:
    empty = Instrument.objects.create(symbol="E", name="E", tick_size=1)
    report = audit(empty)
    assert (report.counts["quotes"], report.violations) == (0, [])


def test_market_may_run_during_audit(recorded: Instrument) -> None:
    run = Run.objects.get()

    def go_on(n: int) -> None:
        with Journal([recorded]) as journal:
            tail = journal.tail(recorded.pk, QUOTES)
            seqs = np.arange(tail.seq + 1, tail.seq + 2001)
            prices = tail.last["ticks"] + np.arange(1, 2001)
            times = STARTED_AT + (seqs - 1) * run.interval_us
            journal.append([Delivery(QUOTES, tick_array(recorded.pk, seqs, times, prices))])

    report = audit(recorded, advance=go_on)
    assert report.counts["quotes"] == TICKS
    assert report.violations == []


def test_unknown_instrument_is_a_usage_error() -> None:
    with pytest.raises(CommandError, match="unknown instrument NOPE") as refused:
        call_command("audit", "--instruments", "NOPE")
    assert refused.value.returncode == 2
