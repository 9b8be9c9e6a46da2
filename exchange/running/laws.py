"""The runs of the law behind a recorded history, as starts of walkers."""

from bisect import bisect_right
from collections.abc import Sequence

from instruments.models import Instrument
from journal.journal import Journal
from quotes.kinds import QUOTES, REGIMES
from quotes.law.randomwalk import WalkState
from quotes.law.walker import MarketLaw, RegimePlace, Start
from quotes.lawruns import law_of
from quotes.models import Quote, Regime, Run


class Laws:
    """The laws of one instrument, each from its first slot on, ascending."""

    def __init__(self, laws: Sequence[MarketLaw]) -> None:
        if not laws:
            raise ValueError("an instrument without a run of the law has no slots")
        self._laws = list(laws)
        self._firsts = [law.first_seq for law in laws]

    @property
    def first_slot(self) -> int:
        return self._firsts[0]

    def of(self, slot: int) -> MarketLaw:
        """Return the law of a slot, the first one for slots before it."""
        return self._laws[max(0, bisect_right(self._firsts, slot) - 1)]

    def next_first(self, slot: int) -> int | None:
        """Return the first slot of the run after that of `slot`, None if that is the last one."""
        later = bisect_right(self._firsts, slot)
        return self._firsts[later] if later < len(self._firsts) else None


def beginning(law: MarketLaw) -> Start:
    return Start(law, law.first_seq, law.start)


def recorded_laws(journal: Journal, instrument: Instrument) -> Laws:
    """Return the laws of all stored runs; `journal` holds the instrument."""
    runs = Run.objects.filter(instrument=instrument).select_related("instrument")
    next_regime = journal.tail(instrument.pk, REGIMES).seq + 1
    return Laws(
        [law_of(run, _first_regime(run) or next_regime) for run in runs.order_by("first_seq")]
    )


def _first_regime(run: Run) -> int | None:
    found = Regime.objects.filter(instrument=run.instrument, first_seq__gte=run.first_seq)
    return found.order_by("first_seq").values_list("seq", flat=True).first()


def start_at(instrument: Instrument, laws: Laws, slot: int) -> Start:
    """Return the start whose next tick ends `slot`, from the recorded quotes and regimes."""
    law = laws.of(slot)
    if slot == law.first_seq:
        return beginning(law)
    before = Quote.objects.of(instrument).filter(seq__in=[slot - 2, slot - 1])
    ticks = dict(before.values_list("seq", "ticks"))
    previous = law.start.ticks if slot - 1 == law.first_seq else ticks[slot - 2]
    state = WalkState(ticks[slot - 1], 1 if ticks[slot - 1] > previous else -1)
    return Start(law, slot, state, _regime_place(instrument, law, slot))


def _regime_place(instrument: Instrument, law: MarketLaw, slot: int) -> RegimePlace:
    begun = Regime.objects.filter(
        instrument=instrument, first_seq__gte=law.first_seq, first_seq__lt=slot
    )
    regime = begun.order_by("-first_seq").first()
    if regime is None:
        return RegimePlace(0, 0)
    return RegimePlace(regime.seq - law.first_regime, regime.first_seq - law.first_seq)


def first_slot_since(journal: Journal, instrument: Instrument, laws: Laws, at: int) -> int:
    """Return the slot of the first recorded quote at `at` or later, else the next one."""
    found = Quote.objects.filter(instrument=instrument, at__gte=at).order_by("at")
    slot = (
        found.values_list("seq", flat=True).first() or journal.tail(instrument.pk, QUOTES).seq + 1
    )
    return max(slot, laws.first_slot)
