"""The format of blocks: exact for any numbers, compact, and safe against corrupt bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from exchange.depth.blocks import UPDATE, VERSION, CorruptBlockError, decode, decode_all, encode
from rig.books import START, make_updates

INT64 = st.integers(-(2**63), 2**63 - 1)
LOTS = st.one_of(st.integers(0, 500), st.integers(0, 2**63 - 1))
TICKS = st.one_of(st.integers(19_900, 20_100), INT64)
ROWS = st.lists(st.tuples(INT64, st.sampled_from([1, -1]), TICKS, LOTS), max_size=40)


def updates_of(rows):
    updates = np.array(rows, UPDATE)
    updates["at"].sort()
    return updates


def own_fields(updates):
    return updates[list(UPDATE.names)].astype(UPDATE)


def block(count, with_levels=True):
    updates = make_updates(count)
    at = int(updates["at"][-1]) + 500
    return encode(updates, at, make_updates(9, seed=2) if with_levels else None), at


@given(rows=ROWS, levels=st.none() | ROWS)
def test_any_numbers_survive(rows, levels):
    updates = updates_of(rows)
    at = int(updates["at"].max(initial=START))
    before = None if levels is None else updates_of(levels)
    found = decode(encode(updates, at, before), at)
    assert (found.updates == updates).all()
    if before is None:
        assert found.levels is None
    else:
        before["at"] = at
        assert (found.levels == before).all()


@pytest.mark.parametrize(("count", "most"), [(10, 5.7), (15, 5.2), (20, 5.0), (256, 4.5)])
def test_an_update_takes_five_bytes(count, most):
    sizes = [
        len(encode(updates, int(updates["at"][-1])))
        for updates in (make_updates(count, seed) for seed in range(50))
    ]
    assert np.mean(sizes) / count < most


def test_consecutive_blocks_are_read_at_once():
    updates = make_updates(100)
    parts = np.split(updates, [10, 10, 57])
    ends = [int(updates["at"][i]) for i in (9, 9, 56, 99)]
    levels = make_updates(30, seed=2)
    blocks = [encode(parts[0], ends[0], levels), encode(parts[1], ends[1])]
    blocks += [encode(parts[2], ends[2], levels), encode(parts[3], ends[3])]
    found = decode_all(blocks, ends)
    assert (found.updates == own_fields(updates)).all()
    assert (found.levels["ticks"] == levels["ticks"]).all()
    later = decode_all(blocks[1:], ends[1:])
    assert later.levels is None
    assert len(later.updates) == 90


def test_no_blocks_hold_no_updates():
    found = decode_all([], [])
    assert (len(found.updates), found.levels) == (0, None)


def test_an_empty_book_is_a_snapshot():
    found = decode(encode(make_updates(0), START, make_updates(0)), START)
    assert (len(found.updates), len(found.levels)) == (0, 0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [("at", START, "ascend in time"), ("side", 0, "side"), ("lots", -1, "level of -1 lots")],
)
def test_invalid_updates_are_refused(field, value, message):
    updates = make_updates(5)
    updates[field][3] = value
    with pytest.raises(ValueError, match=message):
        encode(updates, int(updates["at"][-1]))
    with pytest.raises(ValueError, match="ascend in time up to its end"):
        encode(make_updates(5), START)


def test_another_version_is_named():
    data, at = block(5)
    with pytest.raises(CorruptBlockError, match=r"block 1 of 1 .* format version 9, not 1"):
        decode(bytes([9]) + data[1:], at)


@pytest.mark.parametrize("with_levels", [True, False])
def test_every_shortened_or_lengthened_block_is_refused(with_levels):
    data, at = block(7, with_levels)
    for size in range(len(data)):
        with pytest.raises(CorruptBlockError):
            decode(data[:size], at)
    with pytest.raises(CorruptBlockError, match=r"block 2 of 2 \(.* bytes, 01 .*\) is corrupt"):
        decode_all([data, data + b"\0"], [at, at])


@given(data=st.binary(max_size=200), at=INT64)
def test_random_bytes_are_decoded_or_refused(data, at):
    try:
        found = decode(bytes([VERSION]) + data, at)
    except CorruptBlockError:
        return
    assert len(found.updates) <= 8 * len(data)
    assert (np.abs(found.updates["side"]) == 1).all()
    assert (found.updates["lots"] >= 0).all()
    assert (np.diff(found.updates["at"].astype(object)) >= 0).all()


@given(position=st.integers(0, 2**16), bit=st.integers(0, 7))
def test_a_flipped_bit_is_decoded_or_refused(position, bit):
    data, at = block(20)
    flipped = bytearray(data)
    flipped[position % len(data)] ^= 1 << bit
    try:
        found = decode(bytes(flipped), at)
    except CorruptBlockError:
        return
    assert (found.updates["lots"] >= 0).all()
