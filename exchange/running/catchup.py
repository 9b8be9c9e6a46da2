"""Books behind their recorded quotes: recovery, then slots in slices until they are level."""

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from exchange.flow.options import MarketOptions
from exchange.running.bookrun import BookRun
from exchange.running.laws import beginning
from exchange.running.marketplace import FOREVER, Marketplace
from exchange.running.recovery import Recorded, RecoveryError, opened, recovered

SLICE_SLOTS: Final = 250
"""About 17,000 events in five blocks: some milliseconds of work, and one bundle."""
WATCHED_SLOTS: Final = 10
"""Books with open orders or positions run side by side in simulated time, this far apart."""

Choose = Callable[[MarketOptions], MarketOptions]
"""Return the options with which to run a book, given its options so far."""


@dataclass(frozen=True, kw_only=True)
class Behind:
    """A recorded book that is behind; `target` returns the slot in progress of the quotes."""

    found: Recorded
    first_slot: int
    target: Callable[[], int]

    @property
    def key(self) -> int:
        return self.found.instrument.pk


class CatchUp:
    """Brings books to the recorded quotes, in slices of bounded work."""

    def __init__(self, place: Marketplace, books: Sequence[Behind], choose: Choose) -> None:
        self.behind = {book.key: book for book in books}
        self._unrecovered = deque(books)
        self._place = place
        self._choose = choose

    @property
    def is_recovering(self) -> bool:
        """Whether books are not recovered yet."""
        return bool(self._unrecovered)

    def recover(self) -> None:
        """Recover the next book.

        Raise RecoveryError, or a database error, after which the call can be repeated.
        """
        book = self._unrecovered[0]
        if book.found.slot:
            run = recovered(book.found)
            self._place.choose(run, self._choose(run.market.options))
        else:
            run = opened(book.found, book.first_slot, self._choose(MarketOptions()))
        self._place.add(run)
        self._unrecovered.popleft()

    def slot(self, book: Behind) -> int:
        """Return the slot in progress of a book."""
        if run := self._place.runs.get(book.key):
            return run.slot
        return max(book.found.slot, book.first_slot)

    def slots_left(self, book: Behind) -> int:
        return book.target() - self.slot(book)

    def done(self, book: Behind) -> float:
        """Return the share of its history that a book has."""
        total = book.target() - book.first_slot
        return 1.0 if total <= 0 else (self.slot(book) - book.first_slot) / total

    def next_book(self) -> Behind | None:
        """Return the book to run next, None if all are level. All must be recovered.

        Books that accounts watch come first, the earliest in simulated time of them.
        """
        late = [book for book in self.behind.values() if self.slots_left(book) > 0]
        watched = [book for book in late if self._place.desk.watches(book.key)]
        if watched:
            return min(watched, key=lambda book: self._place.runs[book.key].at)
        return late[0] if late else None

    def run_slice(self, book: Behind, most_slots: int = SLICE_SLOTS) -> BookRun:
        """Run the next slots of a book that has slots left; return its run."""
        run = self.aligned(book)
        most = WATCHED_SLOTS if self._place.desk.watches(book.key) else most_slots
        run_ends = (book.found.laws.next_first(run.slot) or FOREVER) - run.slot
        self._place.advance(run, FOREVER, min(most, self.slots_left(book), run_ends))
        return run

    def aligned(self, book: Behind) -> BookRun:
        """Return the run of a book, continued by the law of its slot in progress."""
        run = self._place.runs[book.key]
        law = book.found.laws.of(run.slot)
        if run.market.place.law != law:
            if run.slot != law.first_seq:
                raise RecoveryError(
                    f"{law.symbol}: slot {run.slot} of the book follows another law than that of "
                    f"its quotes, which began with {law.first_seq}: restore a backup"
                )
            run.begin_run(beginning(law))
        return run
