"""What persons follow: subscribe, list, cancel."""

from typing import Final

from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import QuerySet

from venues.gateway.models import Person, PriceSubscription, PriceTicker
from venues.gateway.publishing import announce_person

MOST: Final = 100
"""Subscriptions of a person."""


class FollowingError(ValueError):
    """The subscription cannot be made; the text says why."""


def subscribe(*, person: Person, name: str, interval_s: int) -> tuple[PriceSubscription, bool]:
    """Follow a ticker, or change the interval; return the subscription and whether it is new."""
    ticker = PriceTicker.objects.filter(name=name).first() or PriceTicker(name=name)
    try:
        ticker.full_clean(validate_unique=False)
    except ValidationError as error:
        raise FollowingError("; ".join(error.messages)) from error
    if person.subscriptions.exclude(ticker__name=name).count() >= MOST:
        raise FollowingError(f"a person follows at most {MOST} tickers: cancel one first")
    with transaction.atomic():
        ticker, _ = PriceTicker.objects.get_or_create(name=name)
        made, is_new = PriceSubscription.objects.update_or_create(
            person=person, ticker=ticker, defaults={"interval_s": interval_s}
        )
        transaction.on_commit(lambda: changed(person, ticker))
    made.refresh_from_db()
    return made, is_new


def changed(person: Person, ticker: PriceTicker) -> None:
    """Fetch the first price of a new ticker at once; tell the person's streams."""
    if ticker.instrument_id is None or ticker.is_unknown:
        from venues.gateway.tasks import fetch_prices  # with Celery, which takes long to import

        fetch_prices.delay([ticker.name])
    announce_person(person.pk)


def subscriptions(person: Person) -> "QuerySet[PriceSubscription]":
    return person.subscriptions.select_related("ticker__instrument").order_by("ticker__name")


def cancel(person: Person, name: str | None = None) -> int:
    """Cancel one subscription, or all; return how many there were."""
    found = person.subscriptions.all()
    count: int = (found if name is None else found.filter(ticker__name=name)).delete()[0]
    if count:
        announce_person(person.pk)
    return count
