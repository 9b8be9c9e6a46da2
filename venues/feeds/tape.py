"""Which trades are new: live messages may repeat, and back-fills overlap what is known. Pure."""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from venues.feeds.events import Print

REMEMBERED: Final = 8_192
"""More trades than a back-fill returns, and than arrive while one is under way."""


class Joint(NamedTuple):
    """The new trades of a back-fill, and whether any may be missing between it and the known."""

    prints: Sequence[Print]
    is_complete: bool


class Tape:
    """Remembers the newest trades by their keys; `known` are those stored before, oldest first."""

    def __init__(self, known: Iterable[tuple[int, int]] = ()) -> None:
        """`known`: keys and times."""
        self._known: OrderedDict[int, int] = OrderedDict(known)

    def new(self, prints: Iterable[Print]) -> list[Print]:
        """Return the trades that were not known; from now on they are."""
        found = []
        for each in prints:
            if each.key not in self._known:
                self._known[each.key] = each.at
                found.append(each)
        while len(self._known) > REMEMBERED:
            self._known.popitem(last=False)
        return found

    def join(self, recent: Sequence[Print], sure_until: int | None = None) -> Joint:
        """Return what is new in the newest trades of the venue, oldest first.

        They are complete if they reach back to a known trade, and to one no later than
        `sure_until` if messages may be missing after that time: trades that arrived after a hole
        are known as well. Trades older than all that are remembered were forgotten, not missed.
        """
        if not self._known:
            return Joint(self.new(recent), True)
        reaches = any(
            each.key in self._known and (sure_until is None or each.at <= sure_until)
            for each in recent
        )
        oldest = min(self._known.values())
        return Joint(self.new(each for each in recent if each.at >= oldest), reaches or not recent)
