from argparse import ArgumentTypeError
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from django.core.management.base import CommandError, CommandParser
from django.db import transaction

from exchange.accounts.opening import (
    AccountExistsError,
    MoneyError,
    create_key,
    money_units,
    open_account,
)
from exchange.clearing.fees import SCHEDULES
from exchange.kinds import MONEY_UNITS
from market.quoting import quoted
from quotes.management.base import QuietCommand


class Command(QuietCommand):
    help = "Open a trading account with an API key. The secret is shown once."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", help="name of the account")
        parser.add_argument(
            "--balance",
            type=money,
            default="10000",
            metavar="AMOUNT",
            help="first deposit (default: 10000)",
        )
        parser.add_argument(
            "--fees",
            choices=list(SCHEDULES),
            default="lab",
            help="fee schedule (default: lab)",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            with transaction.atomic():
                account = open_account(
                    name=options["name"], balance=options["balance"], fees=options["fees"]
                )
                made = create_key(account)
        except AccountExistsError as error:
            raise CommandError(str(error)) from error
        balance = f"{(Decimal(account.balance) / MONEY_UNITS).normalize():f}"
        report = {
            "account": account.name,
            "api_key": made.key.key,
            "api_secret": made.secret,
            "balance": orjson.Fragment(balance),
        }
        lines = [f"account: {account.name}", f"api_key: {made.key.key}"]
        lines += [f"api_secret: {made.secret}", f"balance: {balance}"]
        lines += ["The secret is not shown again: store it now."]
        self.finish(report, "\n".join(lines))


def money(text: str) -> int:
    """Parse an amount of at least 0 into MONEY_UNITS."""
    try:
        amount = money_units(Decimal(text))
    except InvalidOperation:
        raise ArgumentTypeError(f"{quoted(text)} is not an amount, e.g. 10000") from None
    except MoneyError as error:
        raise ArgumentTypeError(str(error)) from None
    if amount < 0:
        raise ArgumentTypeError(f"{quoted(text)} is negative: use at least 0")
    return amount
