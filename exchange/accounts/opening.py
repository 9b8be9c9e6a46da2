"""Opens accounts, creates and revokes API keys."""

import secrets
from decimal import Decimal
from typing import Final, NamedTuple

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from exchange.accounts.knownkeys import known_keys
from exchange.clearing.ledger import LedgerCause
from exchange.kinds import MONEY_UNITS
from exchange.models import Account, ApiKey, LedgerEntry

MOST_MONEY: Final = 10**9
"""Largest deposit: sums of many stay far below 64 bits of MONEY_UNITS."""


class AccountExistsError(ValueError):
    """Another account has the name."""


class MoneyError(ValueError):
    """An amount that no account can have."""


class NewKey(NamedTuple):
    """An API key and its secret, which cannot be shown again."""

    key: ApiKey
    secret: str


def money_units(amount: Decimal) -> int:
    """Return an amount in MONEY_UNITS; raise MoneyError if it is no exact, moderate number."""
    if not amount.is_finite() or abs(amount) > MOST_MONEY:
        raise MoneyError(f"amount {amount} is not a number up to {MOST_MONEY:,}")
    units = amount * MONEY_UNITS
    if units != units.to_integral_value():
        raise MoneyError(f"amount {amount} has more than 8 decimals")
    return int(units)


@transaction.atomic
def open_account(
    *,
    name: str,
    balance: int,
    fees: str = "lab",
    owner: User | None = None,
    is_practice: bool = False,
) -> Account:
    """Store an account whose ledger begins with a deposit of `balance` MONEY_UNITS.

    Raise ValidationError for an invalid name and AccountExistsError for one that is in use.
    """
    now = timezone.now()
    account = Account(
        name=name,
        owner=owner,
        fees=fees,
        is_practice=is_practice,
        balance=balance,
        created_at=now,
    )
    account.clean_fields(exclude=["created_at"])
    try:
        with transaction.atomic():
            account.save(force_insert=True)
    except IntegrityError as error:
        raise AccountExistsError(f"account {name!r} exists: choose another name") from error
    if balance:
        deposit = LedgerCause.DEPOSIT.value
        LedgerEntry.objects.create(
            account=account, instrument_id=0, at=now, cause=deposit, amount=balance
        )
    return account


def create_key(
    account: Account,
    *,
    label: str = "",
    can_trade: bool = True,
    cancel_on_disconnect: bool = False,
) -> NewKey:
    secret = secrets.token_urlsafe(32)
    key = ApiKey(
        account=account,
        key=secrets.token_hex(10),
        label=label,
        can_trade=can_trade,
        cancel_on_disconnect=cancel_on_disconnect,
        created_at=timezone.now(),
    )
    key.secret = secret
    key.save(force_insert=True)
    return NewKey(key, secret)


def cancel_on_disconnect(key: ApiKey, *, is_on: bool) -> None:
    """Choose whether open orders are cancelled when the last stream of a key disconnects."""
    ApiKey.objects.valid().filter(pk=key.pk).update(cancel_on_disconnect=is_on)
    known_keys.forget(key.key)


def revoke(key: ApiKey) -> None:
    """Reject a key from now on; its open streams end within seconds."""
    ApiKey.objects.valid().filter(pk=key.pk).update(revoked_at=timezone.now())
    known_keys.forget(key.key)
