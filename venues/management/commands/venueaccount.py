import asyncio
import getpass
import os
from decimal import Decimal
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser

from exchange.kinds import MONEY_UNITS
from exchange.vault import SealError
from quotes.management.base import QuietCommand, UsageError
from venues import adapters
from venues.accounts.models import VenueAccount
from venues.brokers import Balance, BrokerError
from venues.feeds.events import FeedError

KEY, SECRET = "VENUE_API_KEY", "VENUE_API_SECRET"


class Command(QuietCommand):
    help = (
        "Store the API key of an account at another venue, encrypted. It is off until --enable. "
        f"Key and secret are read from {KEY} and {SECRET}, or asked for."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="name of the account here")
        parser.add_argument(
            "venue", nargs="?", metavar="VENUE", help=f"store its key; one of {adapters.FORMS}"
        )
        parser.add_argument("--url", default="", metavar="URL", help="address of the venue")
        parser.add_argument(
            "--check", action="store_true", help="log in at the venue and show the balance"
        )
        state = parser.add_mutually_exclusive_group()
        state.add_argument("--enable", action="store_true", help="let brokers send orders")
        state.add_argument("--disable", action="store_true", help="let them send none")
        state.add_argument("--remove", action="store_true", help="delete the key")

    def handle(self, *args: Any, **options: Any) -> None:
        account = self.stored(options) if options["venue"] else self.found(options["name"])
        if options["remove"]:
            account.delete()
            self.finish({"account": account.name, "removed": True})
            return
        if options["enable"] or options["disable"]:
            account.is_enabled = options["enable"]
            account.save(update_fields=["is_enabled"])
        report = {
            "account": account.name,
            "venue": account.venue,
            "url": account.url,
            "api_key": account.api_key,
            "enabled": account.is_enabled,
        }
        if options["check"]:
            report |= self.checked(account)
        self.finish(report)

    def stored(self, options: dict[str, Any]) -> VenueAccount:
        """Store a key; that of an existing account is replaced, and the account is off again."""
        try:
            adapters.broker_of(options["venue"], options["url"] or None)
        except FeedError as error:
            raise UsageError(str(error)) from error
        account = VenueAccount.objects.filter(name=options["name"]).first()
        account = account or VenueAccount(name=options["name"])
        account.venue, account.url, account.is_enabled = options["venue"], options["url"], False
        account.api_key = os.environ.get(KEY) or getpass.getpass("API key: ")
        account.secret = os.environ.get(SECRET) or getpass.getpass("API secret: ")
        account.full_clean(exclude=["sealed_secret"])
        account.save()
        return account

    def found(self, name: str) -> VenueAccount:
        account = VenueAccount.objects.filter(name=name).first()
        if account is None:
            known = ", ".join(VenueAccount.objects.values_list("name", flat=True)) or "none"
            raise UsageError(
                f"there is no account {name!r} (known: {known}): name its venue to store a key"
            )
        return account

    def checked(self, account: VenueAccount) -> dict[str, Any]:
        """Return the balance at the venue; raise CommandError."""
        try:
            open_broker = adapters.broker_of(account.venue, account.url or None)
            opening = open_broker(account.api_key, account.secret, {})
            now = asyncio.run(_balance(opening))
        except (BrokerError, FeedError, SealError) as error:
            raise CommandError(str(error)) from error
        return {name: amount(getattr(now, name)) for name in ("balance", "equity", "available")}


async def _balance(opening: Any) -> Balance:
    async with opening as broker:
        found: Balance = await broker.balance()
        return found


def amount(units: int) -> orjson.Fragment:
    return orjson.Fragment(f"{Decimal(units) / MONEY_UNITS:f}")
