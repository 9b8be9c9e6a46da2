"""Passes over the books of a process: live books up to now, commands, records, books behind."""

from collections import deque
from collections.abc import Callable, Sequence, Set
from dataclasses import dataclass
from typing import Final

import structlog

from exchange import metrics
from exchange.accounts import loading
from exchange.accounts.readiness import HELD_SLOTS
from exchange.accounts.waking import Committed
from exchange.clearing.commands import ANYTIME, Command
from exchange.clearing.orders import Cause
from exchange.depth.followed import FollowedBooks
from exchange.running.bookrun import BookRun
from exchange.running.catchup import Behind, CatchUp
from exchange.running.commandqueue import UNAVAILABLE, CommandQueue
from exchange.running.marketplace import Marketplace
from exchange.running.recovery import RecoveryError
from exchange.running.timetable import Timetable
from quotes.law.simulation import Handover

logger = structlog.get_logger(__name__)

BLOCK_S: Final = 0.5
"""Most wall time from one block of a changing book to the next, unless it is followed closely."""
CATCH_UP_S: Final = 0.008
"""Work per pass on books that are behind, which leaves live books and other threads their share."""
MOST_OUTSTANDING: Final = 4
"""Slices of books behind that the journal has not committed yet."""
NEAR_SLOTS: Final = 50
"""A book this close to its quotes takes them over."""
STALLED_SLICES: Final = 50
"""Slices without progress after which a book takes its quotes over, so that they wait for it."""
BOOKS_PER_PASS: Final = 20
"""With more live books, each pass runs this many in turn, and those that accounts wait for."""


@dataclass(kw_only=True)
class LiveBook:
    """A book that is level with its quotes and records them; `recorded_at` is wall time."""

    run: BookRun
    timetable: Timetable
    recorded_at: float


class Driver:
    """Owns books and commands; one thread calls `run_pass` and, at the end, `close`."""

    def __init__(
        self,
        place: Marketplace,
        catch_up: CatchUp,
        queue: CommandQueue,
        release: Callable[[int], Handover],
        committed: Committed,
        followed: FollowedBooks,
        clock: Callable[[], float],
    ) -> None:
        """`release` stops the quotes of an instrument and returns what continues them."""
        self.live: dict[int, LiveBook] = {}
        self.catch_up = catch_up
        self._place = place
        self._queue = queue
        self._release = release
        self._committed = committed
        self._followed = followed
        self._clock = clock
        self._held: list[Command] = []
        self._released: dict[int, Handover] = {}
        self._outstanding: deque[tuple[int, int]] = deque()
        self._turn = 0
        self._stalls = 0
        self._commands = 0

    @property
    def is_running(self) -> bool:
        """Whether there is a book that has not reached the end of its run."""
        return bool(self.live or self.catch_up.behind)

    @property
    def lag_s(self) -> float:
        """Lag in seconds of the live book furthest behind its schedule, 0 if none is behind."""
        now = self._clock()
        return max((book.timetable.lag_s(now) for book in list(self.live.values())), default=0.0)

    def progress(self) -> dict[str, str]:
        """Return how much of its history each book far behind its quotes has, by symbol."""
        return {
            book.found.instrument.symbol: f"{self.catch_up.done(book):.0%}"
            for book in list(self.catch_up.behind.values())
            if self.catch_up.slots_left(book) > HELD_SLOTS
        }

    def summary(self) -> dict[str, object]:
        """Return what a run reports at its end."""
        return {
            "books": len(self._place.runs),
            "commands": self._commands,
            "slots_behind": {
                book.found.instrument.symbol: self.catch_up.slots_left(book)
                for book in self.catch_up.behind.values()
            },
        }

    def run_pass(self) -> bool:
        """Run one pass; return False if the intake is closed."""
        now = self._clock()
        with metrics.PASS_SECONDS.time():
            commands = self._held + self._queue.poll()
            for book in self._books_to_run({command.instrument for command in commands}):
                self._place.advance(book.run, book.timetable.due(now))
            executed = self._execute(commands)
            is_open = self._record(now, urgent=executed > 0)
            self._end_books()
        return is_open and self._work_on_books_behind()

    def close(self) -> None:
        """Put checkpoints of all books, so that the next start repeats nothing."""
        for run in self._place.runs.values():
            run.checkpoint()
        self._place.record(self._place.runs.values(), urgent=True)

    def _books_to_run(self, named: Set[int]) -> list[LiveBook]:
        """Return the live books of this pass: the next in turn, and those that accounts wait for.

        `named`: the instruments of new commands; 0 stands for all.
        """
        keys = list(self.live)
        if len(keys) <= BOOKS_PER_PASS or 0 in named:
            return list(self.live.values())
        in_turn = {keys[(self._turn + i) % len(keys)] for i in range(BOOKS_PER_PASS)}
        self._turn = (self._turn + BOOKS_PER_PASS) % len(keys)
        chosen = in_turn | named | {key for key in keys if self._place.desk.watches(key)}
        return [self.live[key] for key in keys if key in chosen]

    def _record(self, now: float, *, urgent: bool) -> bool:
        followed = self._followed.among(self.live)
        due = [book for book in self.live.values() if self._is_due(book, now, followed)]
        for book in due:
            book.recorded_at = now
            urgent |= book.run.instrument_id in followed
        return self._place.record([book.run for book in due], urgent=urgent)

    def _is_due(self, book: LiveBook, now: float, followed: Set[int]) -> bool:
        """Return whether to record a book: one that is followed, as fast as the journal can."""
        run = book.run
        if run.has_records or not run.has_changes or now - book.recorded_at >= BLOCK_S:
            return run.has_records or run.has_changes
        key = run.instrument_id
        return key in followed and self._committed.seq(key) >= run.block_seq

    def _end_books(self) -> None:
        for key in [key for key, book in self.live.items() if book.timetable.has_ended]:
            del self.live[key]

    def _execute(self, commands: Sequence[Command]) -> int:
        """Execute or refuse commands, or hold them; return how many were answered."""
        self._held = []
        for command in commands:
            if self._must_wait(command) or not self._is_known(command):
                self._held.append(command)
            elif command.instrument in self.catch_up.behind and command.kind not in ANYTIME:
                self._place.refuse(command, Cause.BOOK_BEHIND)
            else:
                self._place.execute(command)
        answered = len(commands) - len(self._held)
        self._commands += answered
        metrics.COMMANDS.inc(answered)
        return answered

    def _must_wait(self, command: Command) -> bool:
        if self.catch_up.is_recovering:
            return True
        book = self.catch_up.behind.get(command.instrument)
        return book is not None and self.catch_up.slots_left(book) <= HELD_SLOTS

    def _is_known(self, command: Command) -> bool:
        """Load the account of a command; return False while the database is unavailable."""
        desk = self._place.desk
        if not desk.knows(command.account):
            try:
                desk.add(*loading.accounts([command.account]))
            except UNAVAILABLE:
                return False
        return True

    def _work_on_books_behind(self) -> bool:
        """Recover a book or run slices, for CATCH_UP_S; return False if the intake is closed."""
        metrics.LIVE_BOOKS.set(len(self.live))
        metrics.SLOTS_BEHIND.set(sum(map(self.catch_up.slots_left, self.catch_up.behind.values())))
        if self.catch_up.is_recovering:
            return self._recover()
        deadline = self._clock() + CATCH_UP_S
        self._take_over_quotes()
        for _ in range(MOST_OUTSTANDING):
            book = self._book_to_run() if self._may_run_slice() else None
            if book is None or self._clock() >= deadline:
                break
            if not self._run_slice(book):
                return False
        self._go_live()
        return True

    def _recover(self) -> bool:
        if self._queue.is_unavailable:
            return True
        try:
            self.catch_up.recover()
        except UNAVAILABLE:  # the queue says so, and the next pass tries again
            return True
        new = [run for run in self._place.runs.values() if run.has_records]
        return self._place.record(new)

    def _may_run_slice(self) -> bool:
        while self._outstanding:
            key, block = self._outstanding[0]
            if self._committed.seq(key) < block:
                break
            self._outstanding.popleft()
        return len(self._outstanding) < MOST_OUTSTANDING

    def _book_to_run(self) -> Behind | None:
        """Return the book to run next: first those whose quotes wait for them."""
        for key in self._released:
            book = self.catch_up.behind[key]
            if self.catch_up.slots_left(book) > 0:
                return book
        return self.catch_up.next_book()

    def _run_slice(self, book: Behind) -> bool:
        left = self.catch_up.slots_left(book)
        run = self.catch_up.run_slice(book)
        is_open = self._place.record([run])
        self._outstanding.append((book.key, run.block_seq))
        self._stalls = self._stalls + 1 if self.catch_up.slots_left(book) >= left else 0
        if self._stalls > STALLED_SLICES:
            self._take_over(book)
        return is_open

    def _take_over_quotes(self) -> None:
        for book in self.catch_up.behind.values():
            if self.catch_up.slots_left(book) <= NEAR_SLOTS:
                self._take_over(book)

    def _take_over(self, book: Behind) -> None:
        if book.key not in self._released:
            self._released[book.key] = self._release(book.key)
            self._stalls = 0

    def _go_live(self) -> None:
        for key, handover in list(self._released.items()):
            book = self.catch_up.behind[key]
            if self.catch_up.slots_left(book) > 0:
                continue
            run = self.catch_up.aligned(book)
            check_handover(run, handover)
            run.owns_quotes = True
            table = Timetable(handover.walker.law, handover.pace, run.slot, handover.last_seq)
            self.live[key] = LiveBook(run=run, timetable=table, recorded_at=self._clock())
            del self.catch_up.behind[key], self._released[key]
            logger.info("book is live", symbol=book.found.instrument.symbol, slot=run.slot)


def check_handover(run: BookRun, handover: Handover) -> None:
    """Raise RecoveryError unless a book continues exactly where its quotes end."""
    walker = handover.walker
    ours = (run.slot, run.mark, run.market.place.law)
    theirs = (walker.next_seq, walker.state.ticks, walker.law)
    if ours != theirs:
        raise RecoveryError(
            f"{walker.law.symbol}: the book is in slot {run.slot} at {run.mark} ticks, but its "
            f"quotes are in slot {walker.next_seq} at {walker.state.ticks}: restore a backup"
        )
