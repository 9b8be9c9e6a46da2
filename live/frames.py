"""Frames of the stream, typed, and publications, in which each frame is encoded once."""

import time
from collections.abc import Iterator
from typing import Any, Literal, NotRequired, TypedDict, final

import orjson

from archive.columns import Columns
from instruments.lattice import Lattice
from market.kinds import Kind, Rows
from market.states import State

REPLAY_ROWS = 10_000
"""Most rows in a frame, which keeps it below the 1 MiB that clients accept.

Clients that missed more get a gap frame and must use the REST API.
"""


@final
class RecordsFrame(TypedDict):
    """Records of one stream, e.g. type "ticks"; a row has the columns of its kind, seq first."""

    topic: str
    type: str
    data: list[tuple[Any, ...]]


@final
class RecordFrame(TypedDict):
    """One record, e.g. type "regime", of a kind whose records are frames of their own."""

    topic: str
    type: str
    seq: int
    data: tuple[Any, ...]


@final
class GapFrame(TypedDict):
    topic: str
    type: Literal["gap"]
    from_seq: int
    to_seq: int


@final
class ResetFrame(TypedDict):
    """The history ends before the seq of the client, e.g. in a restored database."""

    topic: str
    type: Literal["reset"]
    last_seq: int


@final
class StatusFrame(TypedDict):
    topic: str
    type: Literal["status"]
    state: State


@final
class ReadingFrame(TypedDict):
    topic: str
    type: Literal["reading"]
    data: dict[str, object]


Frame = RecordsFrame | RecordFrame | GapFrame | ResetFrame | StatusFrame | ReadingFrame


class Publication(TypedDict):
    """A message of the channel layer: an encoded frame and its topic.

    The frame holds the records first_seq ... last_seq (0, 0: none). The `version` of a state rises
    with each publication that replaces it.
    """

    type: Literal["frame"]
    topic: str
    text: str
    first_seq: int
    last_seq: int
    committed_at: float
    version: NotRequired[int]


def encode(frame: object) -> str:
    return orjson.dumps(frame).decode()


def publications(kind: Kind, symbol: str, lattice: Lattice, rows: Rows) -> list[Publication]:
    """Return the publications of ascending records of one stream.

    One frame, after a gap frame where there are too many for one; with `kind.single` a frame each.
    """
    topic = f"{kind.name}.{symbol}"
    older, newer = rows[:-REPLAY_ROWS], rows[-REPLAY_ROWS:]
    made = []
    if older.size:
        first, last = int(older["seq"][0]), int(older["seq"][-1])
        gap: GapFrame = {"topic": topic, "type": "gap", "from_seq": first, "to_seq": last}
        made.append(publication(gap, first, last))
    for frame, first, last in record_frames(kind, symbol, lattice, newer):
        made.append(publication(frame, first, last))
    return made


def record_frames(
    kind: Kind, symbol: str, lattice: Lattice, rows: Rows
) -> Iterator[tuple[RecordsFrame | RecordFrame, int, int]]:
    """Yield the frames of `rows`, each with the first and the last seq that it holds."""
    topic = f"{kind.name}.{symbol}"
    seqs = rows["seq"].tolist()
    numbers = {name: rows[name] for name in kind.dtype.names or ()}
    data = Columns(kind, lattice, numbers).rows()
    if not kind.single:
        yield {"topic": topic, "type": kind.frame, "data": data}, seqs[0], seqs[-1]
        return
    for seq, row in zip(seqs, data, strict=True):
        yield {"topic": topic, "type": kind.frame, "seq": seq, "data": row}, seq, seq


def publication(frame: Frame, first_seq: int = 0, last_seq: int = 0) -> Publication:
    return {
        "type": "frame",
        "topic": frame["topic"],
        "text": encode(frame),
        "first_seq": first_seq,
        "last_seq": last_seq,
        "committed_at": time.time(),
    }


def status_publication(topic: str, state: State) -> Publication:
    return publication({"topic": topic, "type": "status", "state": state})
