"""Publications of rows, cut and merged. Pure.

A frame of rows has a list `data` of rows that begin with their seq. Other frames cannot be cut.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, TypeGuard

import orjson

from live.frames import Frame, Publication, RecordsFrame, encode
from live.topics import shown

CHUNK_ROWS = 500
"""Most rows of a publication of stored rows: few enough to cut it quickly."""


def from_frame(frame: Frame) -> Publication:
    """Return the publication of a frame of rows, a gap, or a frame without a seq."""
    first = last = 0
    if "from_seq" in frame:
        first, last = frame["from_seq"], frame["to_seq"]
    elif has_rows(frame):
        first, last = frame["data"][0][0], frame["data"][-1][0]
    elif "seq" in frame:
        first = last = frame["seq"]
    return made(frame, first, last)


def gap(topic: str, first: int, last: int) -> Publication:
    """Return the publication of a gap: seqs that the stream does not repeat."""
    frame: Frame = {"topic": shown(topic), "type": "gap", "from_seq": first, "to_seq": last}
    return from_frame(frame)


def made(
    frame: Any,
    first: int,
    last: int,
    committed_at: float | None = None,
    topic: str | None = None,
) -> Publication:
    """Return a publication; `topic` differs from that of the frame if it is private."""
    return {
        "type": "frame",
        "topic": topic or frame["topic"],
        "text": encode(frame),
        "first_seq": first,
        "last_seq": last,
        "committed_at": time.time() if committed_at is None else committed_at,
    }


def has_rows(frame: Any) -> TypeGuard[RecordsFrame]:
    """Return whether a frame holds rows with seqs."""
    data = frame.get("data")
    return isinstance(data, list) and bool(data) and isinstance(data[0], list | tuple)


def in_chunks(frames: Iterable[Frame]) -> Iterator[Publication]:
    """Yield publications of `frames`, those of many rows in chunks."""
    for frame in frames:
        if not has_rows(frame):
            yield from_frame(frame)
            continue
        rows = frame["data"]
        for start in range(0, len(rows), CHUNK_ROWS):
            yield from_frame({**frame, "data": rows[start : start + CHUNK_ROWS]})


def after(publication: Publication, seq: int) -> Publication | None:
    """Return what `publication` holds after `seq`; None where it cannot be cut."""
    if publication["first_seq"] > seq:
        return publication
    frame = orjson.loads(publication["text"])
    last = publication["last_seq"]
    if frame["type"] == "gap":
        frame["from_seq"] = seq + 1
    elif has_rows(frame):
        frame["data"] = [row for row in frame["data"] if row[0] > seq]
    else:
        return None
    return made(frame, seq + 1, last, publication["committed_at"], publication["topic"])


def newest_row(publication: Publication) -> Publication | None:
    """Return the last row of `publication` alone; None where it holds no rows."""
    if publication["first_seq"] == publication["last_seq"]:
        return publication
    frame = orjson.loads(publication["text"])
    return after(publication, publication["last_seq"] - 1) if has_rows(frame) else None


def merge(publications: Sequence[Publication]) -> list[Publication]:
    """Return the same rows in as few publications as possible; they are of one topic, in order."""
    merged: list[Publication] = []
    run: list[Publication] = []
    for publication in publications:
        if run and publication["first_seq"] != run[-1]["last_seq"] + 1:
            merged += merge_run(run)
            run = []
        run.append(publication)
    return merged + merge_run(run)


def merge_run(run: list[Publication]) -> list[Publication]:
    """Merge publications whose seqs follow each other; leave them where one holds no rows."""
    if len(run) < 2 or run[0]["last_seq"] == 0:
        return run
    frames = [orjson.loads(publication["text"]) for publication in run]
    if not all(has_rows(frame) and frame["type"] == frames[0]["type"] for frame in frames):
        return run
    rows = [row for frame in frames for row in frame["data"]]
    whole = {**frames[0], "data": rows}
    first, last = run[0]["first_seq"], run[-1]["last_seq"]
    return [made(whole, first, last, run[0]["committed_at"], run[0]["topic"])]
