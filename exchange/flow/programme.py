"""The episodes of a market, one after the other."""

from typing import Any, Self

from exchange.flow.episodes import Episode, Planner
from exchange.flow.lawahead import LawAhead
from exchange.flow.options import MarketOptions
from exchange.flow.philox import stream_key
from market.kinds import Rows

FOREVER = 2**62


class Programme:
    """Which episode comes next, and up to which slot that is decided."""

    def __init__(self, tail: int = 0) -> None:
        """`tail`: the seq of the last record of an episode."""
        self.episode: Episode | None = None
        self._seq = tail
        self._planned_to = 0

    @property
    def next_at(self) -> int:
        """When the next batch of messages is due, as far as that is decided."""
        return self.episode.next_at if self.episode else FOREVER

    @property
    def planned_to(self) -> int:
        """The slot at whose beginning `plan` must be called; FOREVER during an episode."""
        return FOREVER if self.episode else self._planned_to

    def plan(self, law: LawAhead, options: MarketOptions, first_id: int) -> None:
        """Plan the episode of the block of slots that begins with the slot in progress.

        `first_id`: of the orders of that slot.
        """
        if law.next_seq < self.planned_to:
            return
        if not options.episodes:
            self._planned_to = FOREVER
            return
        run = law.law
        key = stream_key(run.seed, run.symbol, f"episodes/{run.first_seq}")
        planner = Planner(law, key, options.episodes)
        self._planned_to = planner.block_end
        self.episode = planner.plan(first_id)

    def end(self, instrument: int, at: int, last_trade: int) -> Rows:
        """End the episode; return its record."""
        episode, self.episode = self.episode, None
        if episode is None:
            raise ValueError("no episode is in progress")
        self._seq += 1
        return episode.record((instrument, self._seq, at), last_trade)

    def reconsider(self, slot: int) -> None:
        """Plan again from `slot` on, because the kinds of episodes changed."""
        if self.episode is None or self.episode.played == 0:
            self.episode, self._planned_to = None, slot

    def interrupt(self, slot: int, at: int) -> None:
        """Plan again from `slot` on, because another run of the law begins at `at`."""
        self.reconsider(slot)
        self._planned_to = slot
        if self.episode:
            self.episode.interrupt(slot, at)

    def as_json(self) -> dict[str, Any]:
        episode = self.episode.as_json() if self.episode else None
        return {"episode": episode, "seq": self._seq, "planned_to": self._planned_to}

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        programme = cls(stored["seq"])
        programme._planned_to = stored["planned_to"]
        programme.episode = Episode.from_json(stored["episode"]) if stored["episode"] else None
        return programme
