"""Keys of other venues are encrypted and off until they are enabled."""

import asyncio
import io
import json

import pytest
from django.core.management import CommandError, call_command

from venues.accounts.models import VenueAccount
from venues.accounts.opening import DisabledError, opened, usable

pytestmark = pytest.mark.django_db
SECRET = "a secret that nobody sees"


def venueaccount(*arguments):
    out = io.StringIO()
    call_command("venueaccount", *arguments, "--json", stdout=out)
    return json.loads(out.getvalue())


@pytest.fixture
def stored(monkeypatch):
    monkeypatch.setenv("VENUE_API_KEY", "key")
    monkeypatch.setenv("VENUE_API_SECRET", SECRET)
    return venueaccount("mine", "bybit-testnet")


def test_a_key_is_stored_encrypted_and_is_off(stored):
    account = VenueAccount.objects.get(name="mine")
    assert SECRET.encode() not in bytes(account.sealed_secret)
    assert account.secret == SECRET
    assert stored == {"account": "mine", "venue": "bybit-testnet", "url": "", "api_key": "key",
                      "enabled": False}  # fmt: skip
    with pytest.raises(DisabledError, match=r"is off: run manage\.py venueaccount mine --enable"):
        usable("mine")
    with pytest.raises(DisabledError):
        asyncio.run(opened(account, {}).__aenter__())


def test_an_account_is_enabled_disabled_and_removed(stored):
    assert venueaccount("mine", "--enable")["enabled"]
    assert usable("mine").api_key == "key"
    assert not venueaccount("mine", "--disable")["enabled"]
    venueaccount("mine", "--enable")
    assert not venueaccount("mine", "bybit")["enabled"]  # a new key is off again
    venueaccount("mine", "--remove")
    assert not VenueAccount.objects.exists()


def test_wrong_names_are_explained(stored):
    with pytest.raises(CommandError, match=r"no account 'other' \(known: mine\)"):
        venueaccount("other")
    with pytest.raises(CommandError, match="there is no venue 'nasdaq'"):
        venueaccount("mine", "nasdaq")
    with pytest.raises(CommandError, match="is not an address"):
        venueaccount("mine", "bybit", "--url", "ftp://here")
