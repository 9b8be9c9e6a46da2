"""What goes over the wire: topics and typed frames, each encoded once."""

import time
from typing import Literal, TypedDict

import orjson

from instruments.lattice import Lattice
from market.ticks import Ticks

State = Literal["live", "stale", "stopped"]

REPLAY_ROWS = 10_000
"""Most ticks in a frame: clients take 1 MiB. Who misses more is told of a gap and reads HTTP."""


class TicksFrame(TypedDict):
    topic: str
    type: Literal["ticks"]
    data: list[tuple[int, int, float]]  # seq, epoch milliseconds, price


class GapFrame(TypedDict):
    topic: str
    type: Literal["gap"]
    from_seq: int
    to_seq: int


class ResetFrame(TypedDict):
    """The history ends before what the client has: another epoch, e.g. a restored database."""

    topic: str
    type: Literal["reset"]
    last_seq: int


class StatusFrame(TypedDict):
    topic: str
    type: Literal["status"]
    state: State


class RegimeFrame(TypedDict):
    topic: str
    type: Literal["regime"]
    data: tuple[float, int, int]  # phi, epoch milliseconds, first seq


class ReadingFrame(TypedDict):
    topic: str
    type: Literal["reading"]
    data: dict[str, object]


Frame = ReadingFrame | TicksFrame | GapFrame | ResetFrame | StatusFrame | RegimeFrame


class Publication(TypedDict):
    """What travels through the channel layer: an encoded frame and where it belongs.

    first_seq and last_seq tell which ticks the frame tells of (0, 0: of none).
    """

    type: Literal["frame"]
    topic: str
    text: str
    first_seq: int
    last_seq: int
    committed_at: float


def encode(frame: object) -> str:
    return orjson.dumps(frame).decode()


def tick_rows(ticks: Ticks, lattice: Lattice) -> list[tuple[int, int, float]]:
    """Return (seq, epoch milliseconds, price) of each tick."""
    prices = ticks["ticks"] * lattice.units / lattice.scale
    columns = ticks["seq"].tolist(), (ticks["at"] // 1000).tolist(), prices.tolist()
    return list(zip(*columns, strict=True))


def ticks_publications(symbol: str, lattice: Lattice, ticks: Ticks) -> list[Publication]:
    """Return what tells of `ticks`: a frame, after a gap when there are too many for one."""
    topic = f"quotes.{symbol}"
    older, newer = ticks[:-REPLAY_ROWS], ticks[-REPLAY_ROWS:]
    publications = []
    if older.size:
        first, last = int(older["seq"][0]), int(older["seq"][-1])
        gap: GapFrame = {"topic": topic, "type": "gap", "from_seq": first, "to_seq": last}
        publications.append(publication(gap, first, last))
    rows = tick_rows(newer, lattice)
    frame: TicksFrame = {"topic": topic, "type": "ticks", "data": rows}
    publications.append(publication(frame, rows[0][0], rows[-1][0]))
    return publications


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
