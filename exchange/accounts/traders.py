"""Who acts for an account, and how that is proved: by key and secret, by signature, by session."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Final

import structlog
from django.conf import settings
from django.contrib.auth.models import AnonymousUser, User
from django.db.models import Q
from django.utils import timezone

from exchange.accounts.knownkeys import known_keys
from exchange.accounts.signatures import equal, signature
from exchange.models import Account, ApiKey
from exchange.vault import SealError, sealed, unsealed

logger = structlog.get_logger(__name__)

SESSION_ACCOUNT: Final = "account"
"""Key of the session under which it keeps its account."""
ACCOUNT_HEADER: Final = "X-Account"
USED_EVERY: Final = timedelta(minutes=1)
WINDOW_MS: Final = 5_000
"""Age of a signed request, and how far clocks of clients may be ahead."""
REFUSED: Final = "unknown API key, or the secret or signature is wrong"
"""One text for all, because the difference would help those who guess."""


class AuthenticationError(ValueError):
    """The proof is not accepted; the text is for the client."""


class UnknownKeyError(AuthenticationError):
    """There is no such API key, or it was revoked."""


class WrongSignatureError(AuthenticationError):
    """The signature is not that of the request."""


class NoAccountError(ValueError):
    """Who asks is known, but which account is meant is not; the text is for the client."""


@dataclass(frozen=True, kw_only=True)
class Trader:
    """One account and what the bearer of a proof may do with it."""

    account: Account
    can_trade: bool = True
    key: ApiKey | None = None
    signature: str = ""
    via: str = "session"

    is_authenticated = True

    @property
    def pk(self) -> str:
        """Return what rate limits count requests by."""
        return f"account-{self.account.pk}" if self.key is None else f"key-{self.key.pk}"


def by_secret(key: str, secret: str) -> Trader:
    """Return who presents key and secret; raise AuthenticationError."""
    found, expected = _find(key)
    if not equal(expected, secret) or found is None:
        raise AuthenticationError(REFUSED)
    return _used(found, "secret")


def by_signature(key: str, text: bytes, given: str) -> Trader:
    """Return who signed `text` with the secret of the key.

    Raise UnknownKeyError or WrongSignatureError, after the same work and with the same text.
    """
    found, secret = _find(key)
    is_right = equal(signature(secret, text), given.lower())
    if found is None:
        raise UnknownKeyError(REFUSED)
    if not is_right:
        raise WrongSignatureError(REFUSED)
    return _used(found, "signature", given.lower())


def check_window(timestamp_ms: int) -> None:
    """Raise AuthenticationError unless a request was signed now."""
    age = round(timezone.now().timestamp() * 1000) - timestamp_ms
    if abs(age) > WINDOW_MS:
        where = f"{age} ms old" if age > 0 else f"{-age} ms in the future"
        raise AuthenticationError(
            f"timestamp {timestamp_ms} is {where}: at most {WINDOW_MS} ms are accepted"
        )


def by_session(session: Mapping[str, Any], user: User | AnonymousUser, name: str = "") -> Trader:
    """Return the account of a session or of its user; raise NoAccountError."""
    return Trader(account=_account(session.get(SESSION_ACCOUNT), user, name), via="session")


def accounts_of_session(
    session: Mapping[str, Any], user: User | AnonymousUser
) -> dict[str, Account]:
    """Return the accounts with which a session may trade, by name."""
    return _accounts(session.get(SESSION_ACCOUNT), user)


def by_user(user: User, name: str = "") -> Trader:
    """Return the account of a user; raise NoAccountError."""
    return Trader(account=_account(None, user, name), via="token")


def _find(key: str) -> tuple[ApiKey | None, str]:
    """Return a valid key and its secret; for others None and a secret, after the same work."""
    try:
        known = known_keys.find(key.replace("\0", ""))
        if known is not None:
            return known.key, known.secret
    except SealError as error:
        logger.error("API key rejected", key=key, error=str(error))
    return None, unsealed(_nobody(settings.EXCHANGE_SECRETS_KEY or settings.SECRET_KEY))


@cache
def _nobody(_: str) -> bytes:
    return sealed("of no key")


def _used(key: ApiKey, via: str, given: str = "") -> Trader:
    """Note the use of a key, at most once a minute."""
    now = timezone.now()
    if key.last_used_at is None or now - key.last_used_at > USED_EVERY:
        ApiKey.objects.filter(pk=key.pk).update(last_used_at=now)
        key.last_used_at = now
    return Trader(account=key.account, can_trade=key.can_trade, key=key, signature=given, via=via)


def _accounts(chosen: object, user: User | AnonymousUser) -> dict[str, Account]:
    mine = Q(pk=None)
    if isinstance(user, User) and user.is_active:
        mine |= Q(owner=user)
    if isinstance(chosen, int):
        mine |= Q(pk=chosen)
    return {account.name: account for account in Account.objects.filter(mine)}


def _account(chosen: object, user: User | AnonymousUser, name: str) -> Account:
    """Return the named account, that of the session, or the only one of the user."""
    accounts = _accounts(chosen, user)
    if name:
        if name in accounts:
            return accounts[name]
        raise NoAccountError(f"account {name!r} does not exist or is not yours")
    for account in accounts.values():
        if account.pk == chosen or len(accounts) == 1:
            return account
    if not accounts:
        raise NoAccountError("you have no account: open one, or send an API key")
    named = ", ".join(accounts)
    raise NoAccountError(f"you own several accounts: name one in {ACCOUNT_HEADER}: {named}")
