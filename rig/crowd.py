"""A crowd of stream clients on one market, and the check that each received every tick."""

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Iterator, Sequence

from rig.stack import Stack
from rig.tickledger import Row, TickLedger
from rig.watchers import Watcher

POLL_S = 0.05


class Crowd:
    """Watchers that follow `symbols` from seq 1; `add` creates them."""

    def __init__(self, symbols: Sequence[str], chance: random.Random) -> None:
        self.watchers: list[Watcher] = []
        self._tapes: dict[str, dict[int, Row]] = {symbol: {} for symbol in symbols}
        self._chance = chance

    def add(
        self, kind: type[Watcher], count: int, ports: Sequence[int], stay_s: float | None = None
    ) -> None:
        """Add `count` watchers, each connecting to random `ports`.

        `stay_s`: mean length of a connection; None: stay until the server closes it.
        """
        for _ in range(count):
            ledgers = {symbol: TickLedger(0, tape) for symbol, tape in self._tapes.items()}
            chance = random.Random(self._chance.random())
            self.watchers.append(kind(ports, ledgers, chance, stay_s))

    @contextlib.asynccontextmanager
    async def watching(self) -> AsyncIterator[None]:
        """Run all watchers inside the block; an error in one of them ends the block."""
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(watcher.run()) for watcher in self.watchers]
            yield
            for task in tasks:
                task.cancel()

    async def reach(self, last_seqs: dict[str, int], timeout_s: float) -> None:
        """Wait until every watcher has reached these seqs; raise TimeoutError."""
        async with asyncio.timeout(timeout_s):
            while not all(watcher.has(last_seqs) for watcher in self.watchers):
                await asyncio.sleep(POLL_S)

    async def reach_more(self, ticks: int, timeout_s: float) -> None:
        """Wait until every watcher has received `ticks` more ticks of every instrument."""
        ends = {
            symbol: max(watcher.ledgers[symbol].last for watcher in self.watchers)
            for symbol in self._tapes
        }
        await self.reach({symbol: last + ticks for symbol, last in ends.items()}, timeout_s)

    async def prove(self, stack: Stack, timeout_s: float = 60) -> list[str]:
        """Stop the simulation, wait for every watcher to catch up, and return all violations."""
        await asyncio.to_thread(stack.simulation.stop)
        histories = await asyncio.to_thread(stack.histories)
        with contextlib.suppress(TimeoutError):  # reported by _complaints
            await self.reach({symbol: len(rows) for symbol, rows in histories.items()}, timeout_s)
        return list(self._complaints(histories))

    def _complaints(self, histories: dict[str, list[Row]]) -> Iterator[str]:
        """Yield violations in any client's ledger and differences between seen and stored ticks."""
        for number, watcher in enumerate(self.watchers, 1):
            for symbol, ledger in watcher.ledgers.items():
                for complaint in ledger.complaints(len(histories[symbol])):
                    yield f"client {number} ({watcher.way}), {symbol}: {complaint}"
        for symbol, history in histories.items():
            stored = {row[0]: row for row in history}
            if list(stored) != list(range(1, len(history) + 1)):
                yield f"{symbol}: the stored seqs have a gap"
            strange = [seq for seq, row in self._tapes[symbol].items() if stored.get(seq) != row]
            if strange:
                yield f"{symbol}: {len(strange)} received ticks differ from the stored ones"
