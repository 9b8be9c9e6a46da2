"""The audit proves accounts, and finds what was changed behind the journal's back."""

from collections.abc import Callable

import pytest
from django.db.models import F

from archive.auditing import audit_all
from exchange.clearing.commands import CommandKind
from exchange.matching import BUY, SELL
from exchange.models import Account, Command, Execution, LedgerEntry, Order, OrderEvent, Position
from exchange.tests.clients import MARK, funded, listed
from exchange.tests.test_projections import command, place
from exchange.tests.trading import open_exchange

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def history() -> None:
    """Two accounts that traded, paid funding, moved money and were refused."""
    es, nq = listed("ES"), listed("NQ")
    with open_exchange(es, nq) as exchange:
        for symbol in ("ES", "NQ"):
            exchange.provide(symbol, BUY, MARK - 1, 50)
            exchange.provide(symbol, SELL, MARK + 1, 50)
        for account in (funded("a"), funded("b")):
            place(account, es, BUY, 10)
            place(account, nq, SELL, 3)
            place(account, es, SELL, 4)
            place(account, es, BUY, 5, ticks=MARK)
            place(account, es, BUY, 1, ticks=2 * MARK)
            command(account, CommandKind.MONEY, parameters={"amount": 5})
            command(account, CommandKind.CANCEL_ALL)
        exchange.execute()
        exchange.mark("ES", MARK, at=exchange.ports["ES"].at + 8 * 3_600 * 1_000_000)


def violations() -> list[str]:
    (report,) = [each for each in audit_all() if each.symbol == "accounts"]
    assert report.counts["accounts"] == 2
    return report.violations


def test_accounts_that_follow_their_records_are_clean() -> None:
    assert violations() == []
    assert LedgerEntry.objects.filter(cause=4).count() == 2


DAMAGE: list[tuple[Callable[[], object], str]] = [
    (lambda: Account.objects.filter(name="a").update(balance=F("balance") + 1),
     "accounts: a: the balance is 1 units above the sum of the ledger"),
    (lambda: LedgerEntry.objects.filter(cause=2).earliest("pk").delete(),
     "fee in the ledger is"),
    (lambda: Position.objects.filter(lots__gt=0).update(lots=F("lots") + 1),
     "the position in ES differs from its executions: lots by 1"),
    (lambda: Position.objects.filter(lots__lt=0).update(fees=F("fees") + 7),
     "the position in NQ differs from its executions: fees by 7"),
    (lambda: Order.objects.filter(pk=Order.objects.earliest("pk").pk).update(value=1),
     "or in their value"),
    (lambda: Execution.objects.latest("number").delete(), "counts 3 executions, 2 up to number 2"),
    (lambda: OrderEvent.objects.filter(number=1).delete(), "counts 8 events, 7 up to number 8"),
    (lambda: Command.objects.filter(pk=Command.objects.earliest("pk").pk).update(done=False),
     "is answered by an event, but not done"),
    (lambda: OrderEvent.objects.filter(number=2).update(command=0),
     "is done, but no event answers it"),
]  # fmt: skip


@pytest.mark.parametrize(("damage", "text"), DAMAGE, ids=[text for _, text in DAMAGE])
def test_damage_is_found(damage: Callable[[], object], text: str) -> None:
    damage()
    assert any(text in violation for violation in violations()), violations()
