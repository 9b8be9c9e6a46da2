"""Creates bots: who may use which account, at the exchange, at another venue, or on paper."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Final

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from exchange.accounts.traders import NoAccountError, by_user
from exchange.kinds import MONEY_UNITS
from market.quoting import quoted
from trading import auditlog
from trading.models import Bot
from trading.models.bots import EXCHANGE, PAPER, VENUE, OnDeath
from trading.roles import Role, role_of
from venues.accounts.models import VenueAccount

BROKERS: Final[Mapping[str, str]] = {each: each for each in (EXCHANGE, VENUE, PAPER)}


class TakenError(ValueError):
    """The name, or the account, belongs to another bot."""


@dataclass(frozen=True, kw_only=True)
class Paper:
    """A paper account: what it begins with in MONEY_UNITS, its fees, and how late orders arrive."""

    balance: int = 10_000 * MONEY_UNITS
    fees: str = "bybit"
    latency_ms: int = 50


@dataclass(frozen=True, kw_only=True)
class NewBot:
    """A bot that a user wants. `account` names one of the user's, or one at a venue."""

    name: str
    broker: str = EXCHANGE
    account: str = ""
    on_death: OnDeath = OnDeath.CANCEL
    paper: Paper = field(default_factory=Paper)


def create(user: User, wanted: NewBot, at: datetime) -> Bot:
    """Create a bot; raise django's ValidationError, which names the fields, or TakenError."""
    bot = Bot(
        name=wanted.name,
        owner=user,
        broker=wanted.broker,
        on_death=wanted.on_death.value,
        created_at=at,
        **_account(user, wanted),
    )
    bot.clean_fields(exclude={"created_at"})
    detail = {"bot": wanted.name, "broker": wanted.broker, "account": wanted.account}
    try:
        with transaction.atomic():
            bot.save()
            auditlog.append(
                actor=user.get_username(), action="create", detail=detail, at=at, bot=bot.pk
            )
    except IntegrityError:
        raise TakenError(_taken(wanted)) from None
    return bot


def _taken(wanted: NewBot) -> str:
    named = f"there is a bot {quoted(wanted.name)} already"
    if not wanted.account:
        return f"{named}: use another name"
    return f"{named}, or account {quoted(wanted.account)} has one: use another name or account"


def venue_accounts_of(user: Any) -> list[str]:
    """Return the accounts at venues that a user may give to bots: they belong to admins."""
    if role_of(user) is not Role.ADMIN:
        return []
    return list(VenueAccount.objects.filter(bots=None).values_list("name", flat=True))


def _account(user: User, wanted: NewBot) -> dict[str, Any]:
    """Return what a bot trades with; raise ValidationError."""
    if wanted.broker == PAPER:
        return {"paper": asdict(wanted.paper)}
    if wanted.broker == EXCHANGE:
        try:
            return {"account": by_user(user, wanted.account).account}
        except NoAccountError as error:
            raise ValidationError({"account": [str(error)]}) from error
    if role_of(user) is Role.ADMIN:
        found = VenueAccount.objects.filter(name=wanted.account).first()
        if found is not None:
            return {"venue_account": found}
    raise ValidationError(
        {
            "account": [
                f"you may use no account {quoted(wanted.account)} at a venue: admins store them "
                "with manage.py venueaccount, and create their bots"
            ]
        }
    )
