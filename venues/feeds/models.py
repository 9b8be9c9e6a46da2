"""Records of feeds, which only the journal writes; venues/feeds/kinds.py explains them."""

from django.db import models

from exchange.models.recorded import Record, by_time
from journal.fields import MicrosecondsField
from venues.feeds.kinds import Cause, Of


class FeedGap(Record):
    """A time for which market data of a feed are missing; it ended at `at`."""

    began_at = MicrosecondsField()
    stream = models.BigIntegerField(choices=[(each.value, each.name.lower()) for each in Of])
    cause = models.BigIntegerField(choices=[(each.value, each.name.lower()) for each in Cause])

    class Meta(Record.Meta):
        indexes = [by_time("feedgap_instrument_at")]


class VenueCandle(Record):
    """A minute as the venue itself reports it; it opened at `at`."""

    open = models.BigIntegerField()
    high = models.BigIntegerField()
    low = models.BigIntegerField()
    close = models.BigIntegerField()
    lots = models.BigIntegerField(help_text="Volume.")

    class Meta(Record.Meta):
        indexes = [by_time("venuecandle_instrument_at")]
