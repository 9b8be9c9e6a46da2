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
NOW = 1_767_225_600


def test_credentials_can_be_read_until_they_expire() -> None:
    sealed = seal(MINE, NOW)
    assert unseal(sealed, NOW) == unseal(sealed, NOW + LASTS_S) == MINE
    with pytest.raises(CredentialsGoneError):
        unseal(sealed, NOW + LASTS_S + 1)
    assert 10 <= LASTS_S <= 15


def test_text_and_key_are_useless_without_each_other() -> None:
    first, second = seal(MINE, NOW), seal(MINE, NOW)
    assert first.key != second.key
    for wrong in (Sealed(first.text, second.key), Sealed(b"x", first.key), Sealed(first.text, b"")):
        with pytest.raises(CredentialsGoneError):
            unseal(wrong, NOW)


def test_nothing_shows_credentials() -> None:
    sealed = seal(MINE, NOW)
    shown = f"{MINE!r} {MINE} {sealed!r} {[MINE]}"
    assert "my-client" not in shown
    with pytest.raises(CredentialsGoneError) as gone:
        unseal(sealed, NOW + 60)
    assert gone.value.__cause__ is None
