"""Waiting for the desk's answers to commands."""

import time
from collections.abc import Sequence

from exchange.accounts.readiness import is_open
from exchange.accounts.results import WAIT_S, answered
from exchange.models import Command


def all_answered(commands: Sequence[Command]) -> list[Command]:
    """Return the commands as the desk answered them; what takes longer stays as it is.

    Cancellations that were stored while no exchange runs are not waited for.
    """
    until = time.monotonic() + (WAIT_S if is_open() else 0.0)
    return [answered(command, until - time.monotonic()) for command in commands]
