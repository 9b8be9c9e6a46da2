"""What goes over the wire: topics and typed frames, each encoded once."""

from typing import Literal, TypedDict

import orjson

from instruments.lattice import Lattice
from quotes.ticks import Ticks

State = Literal["live", "stale", "stopped"]


class TicksFrame(TypedDict):
    topic: str
    type: Literal["ticks"]
    data: list[tuple[int, int, float]]  # seq, epoch milliseconds, price


class GapFrame(TypedDict):
    topic: str
    type: Literal["gap"]
    from_seq: int
    to_seq: int


class StatusFrame(TypedDict):
    topic: str
    type: Literal["status"]
    state: State


class RegimeFrame(TypedDict):
    topic: str
    type: Literal["regime"]
    data: tuple[float, int, int]  # phi, epoch milliseconds, first seq


Frame = TicksFrame | GapFrame | StatusFrame | RegimeFrame


class Publication(TypedDict):
    """What travels through the channel layer: an encoded frame and where it belongs.

    first_seq and last_seq tell which ticks the frame holds (0, 0: it holds none).
    """

    type: Literal["frame"]
    topic: str
    text: str
    first_seq: int
    last_seq: int


def encode(frame: object) -> str:
    return orjson.dumps(frame).decode()


def tick_rows(ticks: Ticks, lattice: Lattice) -> list[tuple[int, int, float]]:
    """Return (seq, epoch milliseconds, price) of each tick."""
    prices = ticks["ticks"] * lattice.units / lattice.scale
    columns = ticks["seq"].tolist(), (ticks["at"] // 1000).tolist(), prices.tolist()
    return list(zip(*columns, strict=True))


def ticks_publication(symbol: str, lattice: Lattice, ticks: Ticks) -> Publication:
    rows = tick_rows(ticks, lattice)
    frame: TicksFrame = {"topic": f"quotes.{symbol}", "type": "ticks", "data": rows}
    return {
        "type": "frame",
        "topic": frame["topic"],
        "text": encode(frame),
        "first_seq": rows[0][0],
        "last_seq": rows[-1][0],
    }


def publication(frame: StatusFrame | RegimeFrame) -> Publication:
    return {
        "type": "frame",
        "topic": frame["topic"],
        "text": encode(frame),
        "first_seq": 0,
        "last_seq": 0,
    }
