"""What the desk answers to commands: stored with them, and sent to the doors that wait. Pure."""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any, Final, NamedTuple

import orjson

from exchange.accounts.rows import in_order, last_of_each
from market.kinds import Rows

LEFT: Final = ("state", "ticks", "trigger_ticks", "lots", "filled", "at")
"""What an answer says about its order."""
MOST_OF_TEXT: Final = 40
"""Answers whose text is shorter than the 8,000 bytes of a notification of PostgreSQL."""


class Answer(NamedTuple):
    """How a command ended: `Command.reason` and `Command.result`."""

    reason: int | None
    result: Any


Answers = Mapping[int, Answer]
"""Answers by the ids of their commands."""


def answers_of(events: Rows) -> dict[int, Answer]:
    """Return the answers in ORDER_EVENTS: the last event of each command."""
    last = last_of_each(in_order(events[events["command"] > 0]), "command")
    return {
        command: Answer(cause, dict(zip(LEFT, left, strict=True)))
        for command, cause, *left in last[["command", "cause", *LEFT]].tolist()
    }


def texts_of(answers: Answers) -> Iterator[str]:
    """Write answers as texts for notifications."""
    rows = ((command, *answer) for command, answer in answers.items())
    while some := list(islice(rows, MOST_OF_TEXT)):
        yield orjson.dumps(some).decode()


def parsed(text: str) -> dict[int, Answer]:
    """Read a text of `texts_of`."""
    return {command: Answer(*answer) for command, *answer in orjson.loads(text)}
