"""Comparing answers with shapes finds every way to differ."""

from typing import Any

import pytest

from rig.conformance.recordedrequests import moved, requests_of
from rig.conformance.shapes import differences, members

ROW = {"id": "string", "seq": "number", "open": "bool", "fees": {}}
SHAPE: Any = {"list": [ROW], "book": [["string", "string"]]}
RIGHT: Any = {
    "list": [{"id": "1", "seq": 1.5, "open": True, "fees": {"USDT": "1"}}],
    "book": [["1", "2"]],
}


def test_equal_shapes_do_not_differ() -> None:
    assert list(differences(SHAPE, RIGHT)) == []
    assert members(SHAPE) == 6


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"seq": "1"}, "result.list[].seq has another type: string '1' instead of number"),
        ({"seq": True}, "result.list[].seq has another type: bool True instead of number"),
        ({"id": 1}, "result.list[].id has another type: number 1 instead of string"),
        ({"id": None}, "result.list[].id has another type: null None instead of string"),
        ({"fees": []}, "result.list[].fees has another type: list [] instead of object"),
        ({"more": ""}, "result.list[].more is not in the shape"),
    ],
)
def test_every_row_is_compared(change: dict[str, Any], said: str) -> None:
    rows = [*RIGHT["list"], RIGHT["list"][0] | change]
    assert list(map(str, differences(SHAPE, RIGHT | {"list": rows}))) == [said]


def test_missing_members_and_empty_lists_are_found() -> None:
    assert list(map(str, differences(SHAPE, {"list": [RIGHT["list"][0], {}], "book": []}))) == [
        "result.list[].id is missing",
        "result.list[].seq is missing",
        "result.list[].open is missing",
        "result.list[].fees is missing",
        "result.book is empty, so its members were not compared",
    ]


def test_requests_are_read_with_their_codes() -> None:
    first, second = requests_of('# c\n= 0 5: why\nGET /a?b=1\n\n= 0\nPOST /c {"d": "e f"}\n')
    assert (first.codes, first.reason, first.line) == (frozenset({0, 5}), "why", "GET /a?b=1")
    assert (second.codes, second.body, second.line) == (frozenset({0}), '{"d": "e f"}', second.line)
    assert (second.path, second.query) == ("/c", "")


def test_prices_move_with_the_market() -> None:
    body = '{"price":"64000","triggerPrice":"66000","qty":"0.001"}'
    assert moved(body, 32_500) == '{"price":"32000.0","triggerPrice":"33000.0","qty":"0.001"}'
