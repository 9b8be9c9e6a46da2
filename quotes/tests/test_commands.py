"""Arguments of the market commands, and stopping a back-fill."""

import asyncio
from contextlib import closing

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from instruments.models import Instrument
from journal.journal import Journal
from quotes import livemarket
from quotes.backfilling import CHUNK_TICKS, Gap, fill
from quotes.lawruns import RunOptions
from quotes.livemarket import LiveMarket, Plan
from quotes.management.commands.runsim import connect_gateway_to, of_shard
from quotes.models import Quote, Run

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    "arguments",
    [
        ("backfill", "--hours=1e300"),
        ("backfill", "--hours=1e9"),
        ("backfill", "--hours=1", "--interval=1e300"),
        ("backfill", "--hours=1", "--seed=99999999999999999999"),
        ("backfill", "--hours=1", "--until=9999-12-31T23:00:00Z"),
        ("runsim", "--duration=1", "--seed=-9223372036854775809"),
        ("runsim", "--duration=1", "--start=0001-01-01"),
        ("runsim", "--duration=1", "--speed=1e300"),
        ("runsim", "--duration=1", "--backfill=99999999d"),
        ("runselector", "--workers=0"),
    ],
)
def test_too_large_number_is_a_one_line_error_and_changes_nothing(
    arguments: tuple[str, ...],
) -> None:
    Instrument.objects.create(symbol="X", tick_size="0.25")
    with pytest.raises(CommandError) as refusal:
        call_command(*arguments)
    assert refusal.value.returncode == 2
    assert "\n" not in str(refusal.value)
    assert not Quote.objects.exists()
    assert not Run.objects.exists()


def test_gateway_uses_the_door_at_the_served_address_unless_a_venue_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.DERIBIT_URL = "wss://venue"
    monkeypatch.setenv("DERIBIT_URL", "wss://venue")
    connect_gateway_to("127.0.0.1", 9000)
    assert settings.DERIBIT_URL == "wss://venue"
    monkeypatch.delenv("DERIBIT_URL")
    connect_gateway_to("127.0.0.1", 9000)
    assert settings.DERIBIT_URL == "ws://127.0.0.1:9000/deribit/ws/api/v2"


@pytest.mark.parametrize("time", ["20260131", "2026013109", "202601310930"])
def test_compact_date_is_not_read_as_epoch_milliseconds(time: str) -> None:
    Instrument.objects.create(symbol="X", tick_size="0.25")
    with pytest.raises(CommandError, match=rf"'{time}' could be the date .* write a date as 2026"):
        call_command("backfill", f"--since={time}")
    assert not Quote.objects.exists()


@pytest.mark.any_database
def test_back_fill_stops_between_chunks() -> None:
    instrument = Instrument.objects.create(symbol="X", tick_size="0.25")
    done: list[int] = []
    with Journal([instrument]) as journal:
        gap = Gap(0, 10**15)
        fill(journal, instrument.pk, gap, RunOptions(seed=1), done.append, lambda: bool(done))
    assert done == [CHUNK_TICKS]


def test_backfill_includes_the_time_that_it_took(monkeypatch: pytest.MonkeyPatch) -> None:
    instrument = Instrument.objects.create(symbol="X", tick_size="0.25")
    began = 1_767_225_600
    clock = iter([began, began, began + 40, began + 40, began + 42, began + 42, began + 43])
    monkeypatch.setattr(livemarket, "_now", lambda: next(clock) * 1_000_000)
    plan = Plan(instruments=[instrument], run_options=RunOptions(seed=1), backfill_s=60)
    with closing(asyncio.new_event_loop()) as loop:
        market = LiveMarket(plan, loop)
        with market._journal:
            market._backfill(lambda: False, lambda n: None)
    assert market.summary.backfilled == 60 + 1 + 42
    newest = Quote.objects.latest_of(instrument)
    assert newest is not None
    assert newest.at.timestamp() == began + 42


def test_shards_divide_the_instruments_and_the_first_one_has_all_books() -> None:
    instruments = [Instrument(symbol=f"I{n}", has_book=n % 3 == 0) for n in range(10)]
    shards = [of_shard(instruments, index, 3) for index in (1, 2, 3)]
    assert sorted(i.symbol for shard in shards for i in shard) == [f"I{n}" for n in range(10)]
    assert [sum(i.has_book for i in shard) for shard in shards] == [4, 0, 0]
