"""The matrix of clients and capabilities: what was tried, and how it ended."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

CAPABILITIES: Final = (
    "server time",
    "instruments",
    "ticker",
    "price index",
    "order book",
    "recent trades",
    "candles",
    "funding history",
    "balance",
    "fee rates",
    "ledger",
    "set leverage",
    "place order",
    "amend order",
    "cancel order",
    "cancel all orders",
    "batch of orders",
    "open orders",
    "order history",
    "executions",
    "positions",
    "closed profits",
    "stream: order book",
    "stream: trades",
    "stream: ticker",
    "stream: price index",
    "stream: candles",
    "stream: orders",
    "stream: executions",
    "stream: positions",
    "stream: wallet",
    "socket: place order",
    "socket: amend order",
    "socket: cancel order",
    "answers as recorded",
    "requests as recorded",
)
WORKS: Final = "yes"
Check = Callable[[], Any]


class CheckError(AssertionError):
    """A client got something else than it relies on."""


@dataclass
class Matrix:
    """Results by client and capability; a client that lacks one has no result."""

    results: dict[str, dict[str, str]] = field(default_factory=dict)

    def run(self, client: str, checks: Mapping[str, Check]) -> None:
        """Run the checks of a client, each whatever became of the others."""
        unknown = set(checks) - set(CAPABILITIES)
        if unknown:
            raise ValueError(f"unknown capabilities: {', '.join(sorted(unknown))}")
        found = self.results.setdefault(client, {})
        for capability in CAPABILITIES:
            if capability in checks:
                found[capability] = outcome(checks[capability])

    @property
    def failures(self) -> list[str]:
        return [
            f"{client}, {capability}: {result}"
            for client, results in self.results.items()
            for capability, result in results.items()
            if result != WORKS
        ]

    def table(self) -> str:
        """Return the matrix as Markdown."""
        clients = list(self.results)
        lines = [f"| | {' | '.join(clients)} |", f"|---|{'---|' * len(clients)}"]
        for capability in CAPABILITIES:
            cells = [self.results[client].get(capability, "") for client in clients]
            shown = [cell if cell in (WORKS, "") else "**no**" for cell in cells]
            lines.append(f"| {capability} | {' | '.join(shown)} |")
        return "\n".join(lines)


def outcome(check: Check) -> str:
    """Run one check; return WORKS or how it failed."""
    try:
        check()
    except Exception as error:  # whatever a client raises is a result
        return f"{type(error).__name__}: {str(error)[:300]}"
    return WORKS


def require(condition: object, what: str) -> None:
    """Raise CheckError unless the condition holds."""
    if not condition:
        raise CheckError(what)


def until(condition: Callable[[], Any], what: str, limit_s: float = 30.0) -> Any:
    """Return what a condition becomes once it holds; raise CheckError after `limit_s`."""
    deadline = time.monotonic() + limit_s
    while time.monotonic() < deadline:
        if found := condition():
            return found
        time.sleep(0.02)
    raise CheckError(f"{what}: not within {limit_s:.0f} s")
