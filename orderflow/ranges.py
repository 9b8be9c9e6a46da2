"""Ranges of time that a client holds, wants or misses. Pure."""

import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Final, NamedTuple

from market.quoting import quoted

MOST: Final = 200
_WRITTEN: Final = re.compile(r"(-?[0-9]{1,15})-(-?[0-9]{1,15})-([0-9]{1,16})")


class Range(NamedTuple):
    """start <= t < end."""

    start: int
    end: int


class Held(NamedTuple):
    """Everything in a range; `mark`: of its last cluster, 0 if there is none in it."""

    start: int
    end: int
    mark: int


def parse(text: str) -> list[Held]:
    """Return ranges written as `from-to-mark,from-to-mark`; raise ValueError.

    They are returned in ascending order, and must not overlap.
    """
    parts = text.split(",") if text else []
    if len(parts) > MOST:
        raise ValueError(f"{len(parts)} ranges: state at most {MOST}")
    found = sorted(_parsed(part) for part in parts)
    for before, after in pairwise(found):
        if after.start < before.end:
            raise ValueError(
                f"{before.start}-{before.end} and {after.start}-{after.end} overlap: merge them"
            )
    return found


def _parsed(part: str) -> Held:
    match = _WRITTEN.fullmatch(part)
    found = Held(*map(int, match.groups())) if match else None
    if found is None or found.start >= found.end:
        raise ValueError(f"{quoted(part)} is not a range: use from-to-mark, with from before to")
    return found


def gaps(wanted: Range, held: Iterable[Held]) -> list[Range]:
    """Return the parts of `wanted` that no range of ascending ones holds, ascending."""
    found = []
    at = wanted.start
    for start, end, _ in held:
        if at < min(start, wanted.end):
            found.append(Range(at, min(start, wanted.end)))
        at = max(at, end)
    if at < wanted.end:
        found.append(Range(at, wanted.end))
    return found


def united(held: Iterable[Held]) -> list[Held]:
    """Return ranges in ascending order, those that touch as one."""
    found: list[Held] = []
    for each in sorted(held):
        if found and found[-1].end == each.start:
            before = found.pop()
            each = Held(before.start, each.end, each.mark or before.mark)
        found.append(each)
    return found
