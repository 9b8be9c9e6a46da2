"""A live exchange: the same trades on every path, commands, recovery."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pytest
from django.core.cache import caches

from exchange.accounts import submission
from exchange.accounts.opening import open_account
from exchange.accounts.submission import NewOrder, Sender
from exchange.clearing.commands import CommandKind
from exchange.clearing.orders import Cause, OrderType, State
from exchange.depth import followed
from exchange.flow.market import BookMarket, Position
from exchange.kinds import BLOCKS, CHECKPOINTS, FLOW, MESSAGES, MONEY_UNITS, TRADES
from exchange.matching import BUY, SELL
from exchange.models import Account, Execution, Order, Trade
from exchange.running.extension import Books
from exchange.running.laws import beginning, recorded_laws
from exchange.running.recovery import RecoveryError
from exchange.running.repeating import Repetition, place_of
from exchange.tests.driving import SEED, listed, live, place, rows, submit
from instruments.models import Instrument
from journal.journal import Journal
from market.kinds import Delivery, Kind, Rows
from quotes.backfilling import Gap, fill
from quotes.kinds import QUOTES, REGIMES
from quotes.law.walker import Walker
from quotes.lawruns import RunOptions
from quotes.models import Quote

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def es() -> Instrument:
    return listed("ES")


@pytest.fixture
def account() -> Account:
    return open_account(name="a", balance=1_000_000 * MONEY_UNITS)


def store_quotes(instrument: Instrument, count: int) -> None:
    with Journal([instrument]) as journal:
        fill(journal, instrument.pk, Gap(0, count), RunOptions(seed=SEED), lambda n: None)


def fill_books(*instruments: Instrument) -> dict[str, object]:
    with Journal(instruments) as journal:
        return dict(Books().fill(journal, 0, {}, lambda n: None))


def expected(instrument: Instrument, slots: int) -> dict[str, Rows]:
    """Return what the law and the flow prescribe for the first slots without accounts."""
    with Journal([instrument]) as journal:
        start = beginning(recorded_laws(journal, instrument).of(1))
    made = BookMarket.open(start).run_slots(slots)
    walked = {delivery.kind.name: delivery.rows for delivery in Walker(*start).take(slots)}
    return walked | {TRADES.name: made.trades, FLOW.name: made.flow}


def assert_prescribed(instrument: Instrument, slots: int, kinds: tuple[Kind, ...]) -> None:
    right = expected(instrument, slots)
    for kind in kinds:
        found = rows(kind, instrument)
        field = "slot" if kind is TRADES else "seq"
        if kind in (TRADES, QUOTES):
            found = found[found[field] <= slots]
        assert np.array_equal(found, right[kind.name][: len(found)]), kind.name
        assert len(found) == len(right[kind.name]), kind.name


@pytest.mark.parametrize(("speed", "passes"), [(1.0, 700), (40.0, 9), (40.0, 1)])
def test_live_exchange_records_the_prescribed_quotes_and_trades(
    es: Instrument, speed: float, passes: int
) -> None:
    with live([es], speed=speed) as exchange:
        exchange.go_live()
        exchange.run(40.5 / speed, passes)
    slots = len(rows(QUOTES, es))
    assert slots >= 1
    assert_prescribed(es, slots, (QUOTES, REGIMES, TRADES))


def test_back_filled_book_has_the_trades_of_a_live_one(es: Instrument) -> None:
    store_quotes(es, 2_500)
    report = fill_books(es)
    assert report == {"trades": len(rows(TRADES, es))}
    assert_prescribed(es, 2_500, (QUOTES, REGIMES, TRADES, FLOW))
    assert fill_books(es) == {"trades": 0}


def test_book_behind_catches_up_and_takes_the_quotes_over_without_losing_a_tick(
    es: Instrument,
) -> None:
    store_quotes(es, 600)
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(20.0, 100)
    assert len(rows(QUOTES, es)) == 620
    assert_prescribed(es, 620, (QUOTES, REGIMES, TRADES))


def test_every_slot_is_one_transaction_of_quote_trades_and_block(
    es: Instrument, monkeypatch: pytest.MonkeyPatch
) -> None:
    bundles: list[dict[Kind, Rows]] = []
    with live([es]) as exchange:
        exchange.go_live()
        append = exchange.journal.append

        def noted(bundle: Sequence[Delivery]) -> None:
            bundles.append(dict(bundle))
            append(bundle)

        monkeypatch.setattr(exchange.journal, "append", noted)
        exchange.run(5.0, 250)
    for bundle in bundles:
        slot = bundle[BLOCKS]["slot"][-1]
        if QUOTES in bundle:
            assert bundle[QUOTES]["seq"][-1] == slot - 1
            assert slot - 1 in bundle[TRADES]["slot"]
    assert sum(QUOTES in bundle for bundle in bundles) == 5


def test_followed_book_is_recorded_in_each_pass_that_changes_it(es: Instrument) -> None:
    def blocks_of(passes: int) -> int:
        before = len(rows(BLOCKS, es))
        exchange.run(passes * 0.02, passes)
        return len(rows(BLOCKS, es)) - before

    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(1.0, 1)
        alone = blocks_of(150)
        caches[followed.CACHE].set(str(es.pk), True, None)
        try:
            exchange.run(1.0, 1)  # it looks once a second
            closely = blocks_of(150)
        finally:
            caches[followed.CACHE].clear()
    assert closely > 2 * alone


def test_command_is_executed_once_and_trades_at_its_moment(
    es: Instrument, account: Account
) -> None:
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(3.5, 10)
        command = place(account, es, lots=5)
        exchange.run(0.04, 2)
    order = Order.objects.get()
    command.refresh_from_db()
    assert (order.state, order.filled) == (State.FILLED, 5)
    assert command.done
    assert Execution.objects.filter(order=order.pk).count() >= 1
    assert len(rows(MESSAGES, es)) == 1
    trades = rows(TRADES, es)
    ours = trades[trades["taker"] == -order.pk]
    assert ours["lots"].sum() == 5
    assert set(ours["slot"]) == {5}


def test_waiting_order_is_not_newer_than_what_happens_to_it(
    es: Instrument, account: Account
) -> None:
    """The market is behind the wall clock, by which the order was received."""
    order = NewOrder(instrument=es, side=BUY, type=OrderType.MARKET, lots=5)
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(3.5, 10)
        waiting = submission.place(Sender(account=account), order).order
        assert waiting is not None
        exchange.run(0.04, 2)
    executed = Order.objects.get()
    began_at = Quote.objects.earliest("at").at
    assert began_at < waiting.updated_at <= executed.updated_at < executed.created_at


def test_resting_orders_are_filled_slot_by_slot(es: Instrument, account: Account) -> None:
    with live([es], speed=50.0) as exchange:
        exchange.go_live()
        exchange.run(0.1, 5)
        mark = int(rows(QUOTES, es)["ticks"][-1])
        for distance in (1, 2, 3):
            place(account, es, lots=3, ticks=mark - distance)
            place(account, es, lots=3, ticks=mark + distance, side=SELL)
        exchange.run(4.0, 100)
    filled = Order.objects.filter(state=State.FILLED)
    assert filled.count() >= 3
    trades = rows(TRADES, es)
    for execution in Execution.objects.all():
        trade = trades[execution.trade_seq - 1]
        assert -execution.order in (trade["maker"], trade["taker"])
        assert trade["at"] == to_us(execution.at)


def to_us(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_exchange_continues_as_if_nothing_had_happened(
    es: Instrument, account: Account, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    for _ in range(4):
        with live([es], speed=20.0) as exchange:
            exchange.go_live()
            for _ in range(int(rng.integers(1, 12))):
                newest = rows(QUOTES, es)["ticks"]
                mark = int(newest[-1]) if len(newest) else 20_000
                side = int(rng.choice([BUY, SELL]))
                ticks = mark - side * int(rng.integers(-2, 4))
                place(account, es, int(rng.integers(1, 40)), ticks, side)
                exchange.run(float(rng.exponential(0.2)), int(rng.integers(1, 6)))
            exchange.kill()
            place(account, es, lots=1)
            exchange.run(0.3, 3)
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(0.02, 1)
    assert not Order.objects.filter(state=State.PENDING).exists()
    assert_trades_repeat(es)


def assert_trades_repeat(instrument: Instrument) -> None:
    """Assert that seed and messages alone give all recorded trades."""
    with Journal([instrument]) as journal:
        start = beginning(recorded_laws(journal, instrument).of(1))
    repetition = Repetition(BookMarket.open(start), [rows(MESSAGES, instrument)])
    slot, event, at = place_of(rows(BLOCKS, instrument)[-1:])
    assert np.array_equal(repetition.to(Position(slot, event), at).trades, rows(TRADES, instrument))


def test_stop_writes_a_checkpoint_from_which_the_next_run_starts(es: Instrument) -> None:
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(7.3, 40)
        exchange.driver.close()
    newest, block = rows(CHECKPOINTS, es)[-1], rows(BLOCKS, es)[-1]
    assert newest["block_seq"] == block["seq"]
    assert newest[["slot", "event", "at"]] == block[["slot", "event", "at"]]
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(7.3, 40)
    assert_prescribed(es, len(rows(QUOTES, es)), (QUOTES, TRADES))


def test_history_that_differs_from_the_records_is_one_clear_error(es: Instrument) -> None:
    store_quotes(es, 30)
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(5.0, 20)
    Trade.objects.filter(seq=len(rows(TRADES, es))).update(ticks=1)
    with live([es]) as exchange, pytest.raises(RecoveryError, match=r"^ES: .* trade .*audit"):
        exchange.go_live()


def test_orders_for_a_book_far_behind_are_rejected_and_cancellations_are_executed(
    es: Instrument, account: Account
) -> None:
    nq = listed("NQ")
    with live([es, nq]) as exchange:
        exchange.go_live()
        exchange.run(2.0, 4)
    store_quotes(es, 20_000)
    order = place(account, es, lots=1)
    with live([es, nq]) as exchange:
        for _ in range(3):
            assert exchange.driver.run_pass()
        cancelled = submit(account, CommandKind.CANCEL_ALL)
        assert exchange.driver.run_pass()
        assert es.pk in exchange.driver.catch_up.behind
    order.refresh_from_db()
    cancelled.refresh_from_db()
    assert (order.done, order.reason) == (True, Cause.BOOK_BEHIND)
    assert (cancelled.done, cancelled.reason) == (True, Cause.CANCELLED)


def test_orders_wait_for_a_book_that_is_nearly_level(es: Instrument, account: Account) -> None:
    store_quotes(es, 1_000)
    command = place(account, es, lots=1)
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(0.1, 2)
    command.refresh_from_db()
    assert (command.done, command.reason) == (True, Cause.ACCEPTED)


def test_book_continues_with_a_later_run_of_the_law(es: Instrument) -> None:
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(4.4, 20)
    before = rows(TRADES, es)
    with Journal([es]) as journal:
        later = int(rows(QUOTES, es)["at"][-1]) + 10**12
        fill(journal, es.pk, Gap(later, 50), RunOptions(seed=SEED), lambda n: None)
    for _ in range(2):  # and recovers after it
        with live([es]) as exchange:
            exchange.go_live()
            exchange.run(3.3, 20)
    trades, quotes = rows(TRADES, es), rows(QUOTES, es)
    assert np.array_equal(trades[: len(before)], before)
    last = np.searchsorted(trades["slot"], quotes["seq"], side="right") - 1
    assert np.array_equal(trades["ticks"][last], quotes["ticks"])
    assert np.array_equal(trades["at"][last], quotes["at"])


def test_chosen_informed_share_is_recorded_from_the_next_slot_on(es: Instrument) -> None:
    with live([es]) as exchange:
        exchange.go_live()
        exchange.run(4.5, 10)
    for _ in range(2):  # the choice lasts
        with live([es], {"informed": 0.25}) as exchange:
            exchange.go_live()
            exchange.run(3.0, 10)
    flow = rows(FLOW, es)
    changed = flow[flow["kappa"] == 0.25]
    assert changed["first_slot"].tolist() == [7]  # slot 6 was in progress
    assert flow["first_slot"][0] == 1
