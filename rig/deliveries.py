"""What spectators received, verified row by row: each once, in order, and how late."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from rig.spectators import Spectator


class Block(NamedTuple):
    """Rows of one topic in a message."""

    topic: str
    first: int
    last: int


@dataclass
class Verdict:
    """What is wrong with the deliveries, and how late they were.

    A copy of a row is as late as it arrived after the quickest spectator's copy of it.
    """

    rows: int = 0
    messages: int = 0
    missing: int = 0
    duplicates: int = 0
    gaps: int = 0
    resets: int = 0
    errors: int = 0
    late: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def is_whole(self) -> bool:
        """Whether each row arrived once and in order."""
        return not (self.missing or self.duplicates or self.gaps or self.resets or self.errors)

    def late_ms(self, percent: float) -> float:
        """Return a percentile of the lateness, in milliseconds."""
        return float(np.percentile(self.late, percent)) * 1000 if len(self.late) else float("nan")


class Parsed(NamedTuple):
    """A message: its blocks of rows, and how many frames of other kinds it holds."""

    blocks: tuple[Block, ...]
    gaps: int
    resets: int
    errors: int


@cache
def parsed(payload: bytes) -> Parsed:
    """Parse a message; spectators are sent the same ones, so that each is parsed once."""
    message: Any = orjson.loads(payload)
    frames = message if isinstance(message, list) else [message]
    blocks = []
    for frame in frames:
        if frame.get("type") == "ticks":
            seqs = [row[0] for row in frame["data"]]
            if seqs != list(range(seqs[0], seqs[0] + len(seqs))):
                raise ValueError(f"seqs of a frame are not in order: {seqs}")
            blocks.append(Block(frame["topic"], seqs[0], seqs[-1]))
    kinds = [frame.get("type") for frame in frames]
    errors = sum(frame.get("op") == "error" for frame in frames)
    return Parsed(tuple(blocks), kinds.count("gap"), kinds.count("reset"), errors)


def verify(spectators: Sequence[Spectator], since: float, until: float) -> Verdict:
    """Verify what `spectators` received; lateness of rows that were first seen in that time.

    A row that somebody saw before `until` must have reached everyone by now.
    """
    verdict = Verdict()
    copies: dict[str, list[tuple[int, int, float]]] = defaultdict(list)
    ends: list[dict[str, int]] = []
    for spectator in spectators:
        end: dict[str, int] = {}
        for at, payload in spectator.received:
            message = parsed(payload)
            verdict.gaps += message.gaps
            verdict.resets += message.resets
            verdict.errors += message.errors
            verdict.messages += since <= at < until
            for topic, first, last in message.blocks:
                before = end.get(topic, first - 1)
                verdict.missing += max(0, first - before - 1)
                verdict.duplicates += max(0, before - first + 1)
                end[topic] = last
                copies[topic].append((first, last, at))
        ends.append(end)
    late = []
    for topic, blocks in copies.items():
        seqs, ats = expanded(blocks)
        first_seq = int(seqs.min())
        quickest = np.full(int(seqs.max()) - first_seq + 1, np.inf)
        np.minimum.at(quickest, seqs - first_seq, ats)
        due = np.flatnonzero(quickest < until)
        last_due = first_seq + int(due[-1]) if len(due) else 0
        verdict.missing += sum(max(0, last_due - end.get(topic, 0)) for end in ends)
        seen_at = quickest[seqs - first_seq]
        counted = (seen_at >= since) & (seen_at < until)
        verdict.rows += int(counted.sum())
        late.append((ats - seen_at)[counted])
    verdict.late = np.concatenate(late) if late else verdict.late
    return verdict


def expanded(
    blocks: list[tuple[int, int, float]],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return the seq and the arrival of every row of `blocks`."""
    table = np.array(blocks)
    firsts, lasts = table[:, 0].astype(np.int64), table[:, 1].astype(np.int64)
    counts = lasts - firsts + 1
    offsets = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
    return np.repeat(firsts, counts) + offsets, np.repeat(table[:, 2], counts)
