"""The admin manages accounts and keys, and shows what the desk did without changing it."""

import re
from typing import Any

import pytest
from django.contrib.admin.sites import site
from django.db import connection
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from exchange.accounts.opening import create_key, open_account
from exchange.clearing.ledger import LedgerCause
from exchange.models import Account, ApiKey, Command, LedgerEntry, Leverage, Order, Position
from exchange.tests.clients import funded, listed
from exchange.tests.trading import open_exchange
from instruments.models import Instrument
from rig.histories import make_instrument

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
RECORDED = [Command, LedgerEntry, Leverage, Order, Position]


def fill(count: int, prefix: str = "a") -> None:
    """Store rows of every table of accounts, each of an account of its own."""
    now = timezone.now()
    es = Instrument.objects.filter(symbol="ES").first() or make_instrument()
    for n in range(count):
        account = open_account(name=f"{prefix}{n}", balance=5)
        create_key(account)
        of_account: dict[str, Any] = {"account": account, "instrument": es}
        Leverage.objects.create(**of_account, leverage=3)
        Position.objects.create(**of_account, lots=2, cost=9, updated_at=now)
        Order.objects.create(
            **of_account, side=1, type=0, ticks=4, lots=2, created_at=now, updated_at=now
        )
        Command.objects.create(**of_account, kind=3, received_at=now)
        LedgerEntry.objects.create(**of_account, at=now, cause=LedgerCause.FEE, amount=-1)


def path_of(model: type[Model]) -> str:
    return f"/admin/exchange/{model._meta.model_name}/"


@pytest.mark.parametrize("model", [Account, ApiKey, *RECORDED], ids=lambda model: model.__name__)
def test_lists_need_the_same_queries_for_any_number_of_rows(
    admin_client: Client, model: type[Model]
) -> None:
    counts = []
    for rows, prefix in ((1, "a"), (9, "b")):
        fill(rows, prefix)
        with CaptureQueriesContext(connection) as captured:
            assert admin_client.get(path_of(model)).status_code == 200
        counts.append(len(captured))
    assert counts[0] == counts[1]
    row = model._default_manager.first()
    assert row is not None
    assert admin_client.get(f"{path_of(model)}{row.pk}/change/").status_code == 200


@pytest.mark.parametrize("model", RECORDED, ids=lambda model: model.__name__)
def test_what_the_desk_did_is_read_only(admin_client: Client, model: type[Model]) -> None:
    fill(1)
    row = model._default_manager.first()
    assert row is not None
    assert admin_client.get(f"{path_of(model)}add/").status_code == 403
    assert admin_client.post(f"{path_of(model)}{row.pk}/change/", {}).status_code == 403
    assert admin_client.post(f"{path_of(model)}{row.pk}/delete/", {}).status_code == 403
    assert not site._registry[model].show_full_result_count


def test_secret_is_shown_once_and_stored_encrypted(admin_client: Client) -> None:
    account = open_account(name="a", balance=0)
    form = {"account": account.pk, "label": "bot", "can_trade": "on"}
    answer = admin_client.post(f"{path_of(ApiKey)}add/", form)
    key = ApiKey.objects.get()
    assert answer.status_code == 200
    assert key.secret in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    assert not re.search(key.secret, repr(admin_client.cookies))
    assert key.secret.encode() not in bytes(key.sealed_secret)
    pages = [
        admin_client.get(path_of(ApiKey)),
        admin_client.get(f"{path_of(ApiKey)}{key.pk}/change/"),
    ]
    assert [key.secret in page.content.decode() for page in pages] == [False, False]


def test_revoked_keys_stay_listed(admin_client: Client) -> None:
    key = create_key(open_account(name="a", balance=0)).key
    form = {"action": "revoke_keys", "_selected_action": [key.pk]}
    assert admin_client.post(path_of(ApiKey), form).status_code == 302
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert admin_client.post(f"{path_of(ApiKey)}{key.pk}/delete/", {}).status_code == 403


def test_saving_an_account_leaves_its_balance_alone(admin_client: Client) -> None:
    account = open_account(name="a", balance=0)
    page = f"{path_of(Account)}{account.pk}/change/"
    assert admin_client.get(page).status_code == 200
    Account.objects.update(balance=7)
    form = {"name": "b", "owner": "", "balance": "1000"}
    assert admin_client.post(page, form).status_code == 302
    account.refresh_from_db()
    assert (account.name, account.balance) == ("b", 7)
    form = {"name": "c", "owner": "", "fees": "bybit"}
    assert admin_client.post(f"{path_of(Account)}add/", form).status_code == 302
    assert Account.objects.get(name="c").fees == "bybit"


def move(client: Client, account: Account, amount: str) -> str:
    """Book an amount in the admin; return what the next page says."""
    form = {"action": "move_money", "_selected_action": [account.pk]}
    page = client.post(path_of(Account), form)
    assert 'name="amount"' in page.content.decode()
    booked = client.post(path_of(Account), form | {"apply": "1", "amount": amount}, follow=True)
    return booked.content.decode()


@pytest.mark.both_databases
@pytest.mark.django_db(transaction=True)
def test_deposits_and_withdrawals_are_ledger_entries(admin_client: Client) -> None:
    account, es = funded(balance=100), listed("ES")
    with open_exchange(es) as exchange, exchange.running():
        assert "50.25000000 booked, the balance is 150.25000000" in move(
            admin_client, account, "50.25"
        )
        assert "the balance is 100.25000000" in move(admin_client, account, "-50")
        assert "does not cover" in move(admin_client, account, "-5000")
        for wrong in ("", "x", "0", "0.000000001", "1e30"):
            assert 'class="errorlist"' in move(admin_client, account, wrong)
    causes = account.ledger.order_by("id").values_list("cause", flat=True)
    assert list(causes) == [LedgerCause.DEPOSIT, LedgerCause.DEPOSIT, LedgerCause.WITHDRAWAL]
    assert "will be booked when the exchange runs" in move(admin_client, account, "1")
    with open_exchange(es) as exchange:
        exchange.execute()
    account.refresh_from_db()
    assert account.balance == 10_125_000_000
