"""Bots at a door of our exchange: created as users configure them, started, stopped, counted."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from rig.stack import Stack

STRATEGIES = ("marketmaker", "imbalance")
"""Bots have them in turn: one rests orders, the other takes."""
LIMITS = dict.fromkeys(("max_positions", "max_exposure", "max_drawdown"))
CREATE = """
import json
from django.utils import timezone
from exchange.accounts.opening import create_key, open_account
from trading.configuring import configure
from trading.models import Bot
from venues.accounts.models import VenueAccount
for wanted in json.loads('''{wanted}'''):
    account = open_account(name=wanted["name"], balance=10**13, fees="bybit")
    bot = Bot(name=wanted["name"], broker=wanted["broker"], created_at=timezone.now())
    if wanted["broker"] == "venue":
        made = create_key(account)
        stored = VenueAccount(name=wanted["name"], venue="bybit", url=wanted["url"],
                              api_key=made.key.key, is_enabled=True)
        stored.secret = made.secret
        stored.save()
        bot.venue_account = stored
    else:
        bot.account = account
    bot.save()
    configure(bot=bot, parameters=wanted["configuration"], author="rig", at=timezone.now())
"""
WANT = """
import json
from django.utils import timezone
from trading.models import Bot
from trading.owning import want
for bot in Bot.objects.filter(name__in=json.loads('''{names}''')):
    want(bot, is_wanted={is_wanted}, actor="rig", at=timezone.now())
"""


RECOVER = """
import json
from trading.acting import recover_now
from trading.models import Bot
from venues.brokers import NotSentError
def recovered(bot, attempts=5):
    try:
        return recover_now(bot, "rig")
    except NotSentError:  # the fault profile refuses requests at random
        if attempts == 1:
            raise
        return recovered(bot, attempts - 1)
for bot in Bot.objects.filter(name__in=json.loads('''{names}''')):
    print(recovered(bot).open_findings)
"""


@dataclass(frozen=True, kw_only=True)
class WantedBot:
    """A bot to create, with an account of the same name at the exchange."""

    name: str
    configuration: dict[str, Any]
    broker: str = "exchange"
    url: str = ""
    """Of the door, for a bot of broker venue."""


def configuration(strategy: str, symbols: Sequence[str], interval_s: float) -> dict[str, Any]:
    parameters: dict[str, Any] = {"lots": 1}
    if strategy == "imbalance":
        parameters |= {"buy_from": 0.55, "sell_below": 0.45, "levels": 3}
    return {
        "strategy": strategy,
        "symbols": list(symbols),
        "parameters": parameters,
        "limits": LIMITS,
        "interval_s": interval_s,
    }


def create(stack: Stack, bots: Sequence[WantedBot]) -> None:
    wanted = json.dumps([vars(bot) for bot in bots])
    stack.manage("shell", "-v0", "-c", CREATE.format(wanted=wanted))


def want(stack: Stack, names: Sequence[str], *, is_wanted: bool) -> None:
    """Ask for bots to be started or stopped."""
    code = WANT.format(names=json.dumps(list(names)), is_wanted=is_wanted)
    stack.manage("shell", "-v0", "-c", code)


def recover(stack: Stack, names: Sequence[str]) -> int:
    """Recover bots, as a user may at any time; return how many findings are left."""
    code = RECOVER.format(names=json.dumps(list(names)))
    return sum(map(int, stack.manage("shell", "-v0", "-c", code).split()))


def ask(url: str, sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    """Return rows of the database, [] while it is unavailable."""
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute(sql, arguments).fetchall()
    except psycopg.OperationalError:
        return []


def orders_of(url: str, names: Sequence[str]) -> int:
    rows = ask(
        url,
        "SELECT count(*) FROM trading_botorder o JOIN trading_bot b ON b.id = o.bot_id "
        "WHERE b.name = ANY(%s)",
        list(names),
    )
    return int(rows[0][0]) if rows else 0


def have_ended(url: str, names: Sequence[str]) -> bool:
    """Return whether no process runs these bots."""
    rows = ask(
        url, "SELECT count(*) FROM trading_bot WHERE name = ANY(%s) AND runner <> ''", list(names)
    )
    return bool(rows) and rows[0][0] == 0
