"""manage.py openaccount: what it prints, what it stores, what it refuses."""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from pytest_django.fixtures import Settings

from exchange.accounts.opening import create_key, open_account
from exchange.kinds import MONEY_UNITS
from exchange.models import Account, ApiKey, LedgerEntry
from exchange.vault import SealError

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("openaccount", *arguments, stdout=out)
    return out.getvalue()


def test_json_names_account_key_secret_and_balance() -> None:
    report = json.loads(run("lab 1", "--balance", "2500.5", "--fees", "bybit", "--json"))
    account, key = Account.objects.get(), ApiKey.objects.get()
    assert report == {
        "account": "lab 1",
        "api_key": key.key,
        "api_secret": key.secret,
        "balance": 2500.5,
    }
    assert (account.fees, account.balance) == ("bybit", 250_050_000_000)
    assert LedgerEntry.objects.get().amount == account.balance
    assert (key.account, key.can_trade) == (account, True)


def test_text_shows_the_secret_and_the_default_balance() -> None:
    lines = run("a").splitlines()
    assert f"api_secret: {ApiKey.objects.get().secret}" in lines
    assert "balance: 10000" in lines
    assert Account.objects.get().balance == 10_000 * MONEY_UNITS


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a", "--balance", "ten"], "'ten' is not an amount"),
        (["a", "--balance", "nan"], "amount NaN is not a number"),
        (["a", "--balance", "1e30"], "amount 1E\\+30 is not a number up to 1,000,000,000"),
        (["a", "--balance", "0.000000001"], "more than 8 decimals"),
        (["a", "--balance", "-5"], "'-5' is negative"),
        (["a", "--fees", "free"], "invalid choice: 'free'"),
        (["ünder"], "name: Use letters"),
        (["n" * 65], "at most 64 characters"),
        ([], "required: name"),
    ],
)
def test_bad_arguments_are_usage_errors(arguments: list[str], message: str) -> None:
    with pytest.raises(CommandError, match=message) as raised:
        run(*arguments)
    assert raised.value.returncode == 2
    assert not Account.objects.exists()


def test_name_in_use_is_refused_and_opens_nothing() -> None:
    run("a")
    with pytest.raises(CommandError, match="account 'a' exists: choose another name") as raised:
        run("a")
    assert raised.value.returncode == 1
    assert ApiKey.objects.count() == 1


def test_secret_of_another_encryption_key_is_not_readable(settings: Settings) -> None:
    made = create_key(open_account(name="a", balance=0))
    assert made.key.secret == made.secret
    settings.EXCHANGE_SECRETS_KEY = "another"
    with pytest.raises(SealError, match="encrypted with another key"):
        _ = made.key.secret
