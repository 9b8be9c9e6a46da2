"""The audit repeats books from seed and messages, and finds executions in trades."""

import re
from collections.abc import Callable

import numpy as np
import pytest
from django.db import transaction
from django.db.models import F, Model

from archive.auditing import audit
from exchange.accounts.opening import open_account
from exchange.clearing.orders import State
from exchange.flow.market import BookMarket
from exchange.kinds import MONEY_UNITS
from exchange.matching import MESSAGE, SELL, Kind
from exchange.models import (
    Account,
    BookBlock,
    Checkpoint,
    Execution,
    Message,
    Order,
    Trade,
)
from exchange.tests.driving import listed, live, place
from instruments.models import Instrument

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def es() -> Instrument:
    """A market with trades of two accounts, two runs and a checkpoint between them."""
    es = listed("ES")
    for name in ("a", "b"):
        open_account(name=name, balance=1_000_000 * MONEY_UNITS)
    for options in ({}, {"informed": 0.2}):
        with live([es], options, speed=20.0) as exchange:
            exchange.go_live()
            for _ in range(3):
                for account in Account.objects.all():
                    place(account, es, lots=30)
                    place(account, es, lots=5, ticks=20_001, side=SELL)
                exchange.run(0.4, 7)
            exchange.driver.close()
    return es


def violations(instrument: Instrument) -> str:
    return "\n".join(audit(instrument).violations)


def test_audit_of_a_market_with_accounts_finds_nothing_wrong(es: Instrument) -> None:
    assert violations(es) == ""
    assert Execution.objects.count() > 8
    assert Checkpoint.objects.count() > 3
    assert Order.objects.filter(state=State.FILLED).exists()


def change(model: type[Model], seq: int = 0, **fields: object) -> Callable[[], object]:
    rows = model._default_manager.order_by("pk")
    return lambda: model._default_manager.filter(pk=rows[seq].pk).update(**fields)


DEFECTS: list[tuple[Callable[[], object], str]] = [
    (change(Trade, 20, lots=F("lots") + 1), r"ES: book: .*trade 21 is"),
    (change(Message, 2, lots=1), r"ES: book: "),
    (lambda: Message.objects.filter(seq=4).delete(), r"ES: book: "),
    (change(BookBlock, 6, data=b"\1\0\0"), r"ES: book: blocks 1 to \d+: "),
    (change(Checkpoint, 1, data=b"?"), r"ES: book: checkpoint 2: "),
    (lambda: spoil_state(2), r"ES: book: checkpoint 2: its state is not that"),
    (lambda: Checkpoint.objects.all().delete(), r"ES: book: there is no checkpoint"),
    (change(Execution, 1, ticks=7), r"execution 2 is .*, its trade"),
    (
        lambda: Execution.objects.earliest("pk").delete(),
        r"sides of trades, but have \d+ executions",
    ),
]


def spoil_state(seq: int) -> None:
    """Change one byte of an order in a checkpoint, in a way that only the history can tell."""
    row = Checkpoint.objects.get(seq=seq)
    market = BookMarket.restore(bytes(row.data))
    market.execute(np.array([(Kind.CANCEL, 0, 0, any_order(market), 0, 0, 0)], MESSAGE))
    Checkpoint.objects.filter(pk=row.pk).update(data=market.snapshot())


def any_order(market: BookMarket) -> int:
    return int(market.engine.book.orders[market.engine.book.pool[0], 0])


def test_audit_finds_whatever_differs(es: Instrument) -> None:
    missed = []
    for number, (spoil, violation) in enumerate(DEFECTS):
        with transaction.atomic():
            spoil()
            if not re.search(violation, found := violations(es)):
                missed.append((number, violation, found))
            transaction.set_rollback(True)
    assert missed == []
