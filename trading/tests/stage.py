"""Prepares a market for tests of pages, inside its own installation."""

from django.contrib.auth.models import User
from django.test import Client

from exchange.accounts.opening import open_account
from exchange.kinds import MONEY_UNITS


def stage() -> str:
    """Create a superuser with an account; return the key of a session."""
    user = User.objects.create_superuser("trading-admin")
    open_account(name="of bots", balance=1_000_000 * MONEY_UNITS, owner=user)
    client = Client()
    client.force_login(user)
    return client.cookies["sessionid"].value
