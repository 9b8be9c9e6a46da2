"""Credentials of users: sealed, short-lived, silent."""

import pytest

from venues.gateway.credentials import (
    LASTS_S,
    Credentials,
    CredentialsGoneError,
    Sealed,
    seal,
    unseal,
)

MINE = Credentials("my-client-id", "my-client-secret")
SITE = "a secret of the site"
NOW = 1_767_225_600


def test_credentials_can_be_read_until_they_expire() -> None:
    sealed = seal(MINE, SITE, NOW)
    assert unseal(sealed, SITE, NOW) == unseal(sealed, SITE, NOW + LASTS_S) == MINE
    with pytest.raises(CredentialsGoneError):
        unseal(sealed, SITE, NOW + LASTS_S + 1)
    assert 10 <= LASTS_S <= 15


def test_text_and_key_are_useless_without_each_other() -> None:
    first, second = seal(MINE, SITE, NOW), seal(MINE, SITE, NOW)
    assert first.key != second.key
    for wrong in (Sealed(first.text, second.key), Sealed(b"x", first.key), Sealed(first.text, b"")):
        with pytest.raises(CredentialsGoneError):
            unseal(wrong, SITE, NOW)


def test_text_and_key_together_are_useless_without_the_secret_of_the_site() -> None:
    with pytest.raises(CredentialsGoneError):
        unseal(seal(MINE, SITE, NOW), "another secret", NOW)


def test_nothing_shows_credentials() -> None:
    sealed = seal(MINE, SITE, NOW)
    shown = f"{MINE!r} {MINE} {sealed!r} {[MINE]}"
    assert "my-client" not in shown
    with pytest.raises(CredentialsGoneError) as gone:
        unseal(sealed, SITE, NOW + 60)
    assert gone.value.__cause__ is None
