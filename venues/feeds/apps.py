from django.apps import AppConfig

from market import kinds
from venues.feeds.kinds import FEED_GAPS, VENUE_CANDLES


class FeedsConfig(AppConfig):
    name = "venues.feeds"

    def ready(self) -> None:
        kinds.register(FEED_GAPS)
        kinds.register(VENUE_CANDLES)
