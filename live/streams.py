"""The streams of a registered kind: their ends, and what a subscriber missed."""

from collections.abc import Iterable

from archive import records
from archive.instruments import find as find_instrument
from journal import streams
from live import sequenced
from live.frames import Frame, record_frames
from live.sequenced import Missed, Sequenced
from market import kinds
from market.kinds import Kind


class KindStreams:
    """The stored streams of one kind (live.sequenced.Sequenced)."""

    def __init__(self, kind: Kind) -> None:
        self._kind = kind

    def ends(self, symbols: Iterable[str]) -> dict[str, int]:
        """Return the last seq of each stream (0: it is empty)."""
        wanted = list(symbols)
        return dict.fromkeys(wanted, 0) | streams.ends(self._kind, wanted)

    def missed(self, symbol: str, since: int | None, limit: int) -> Missed:
        """Return what came after record `since` (None: the newest record alone)."""
        instrument = find_instrument(symbol)
        last = self.ends([symbol])[symbol]
        if instrument is None or last == (since or 0):
            return Missed([], last)
        topic = f"{self._kind.name}.{symbol}"
        if since is not None and since > last:
            return Missed([{"topic": topic, "type": "reset", "last_seq": last}], last)
        oldest = last if since is None else max(since + 1, last - limit + 1)
        rows = records.read(self._kind, instrument, oldest - 1, last)
        first = int(rows["seq"][0]) if len(rows) else last + 1  # later where records were pruned
        frames: list[Frame] = []
        if since is not None and first > since + 1:
            frames.append(
                {"topic": topic, "type": "gap", "from_seq": since + 1, "to_seq": first - 1}
            )
        made = record_frames(self._kind, symbol, instrument.lattice, rows) if len(rows) else ()
        return Missed([*frames, *(frame for frame, _, _ in made)], last)


_of_kinds: dict[str, KindStreams] = {}


def streams_of(topic: str) -> Sequenced | None:
    """Return where the streams of `topic`'s kind are stored; None where it has no seqs."""
    name = topic.partition(".")[0]
    kind = kinds.find_public(name)
    if kind is None:
        return sequenced.registered(name)
    return _of_kinds.setdefault(name, KindStreams(kind))
