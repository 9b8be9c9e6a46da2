"""Copies of a book that clients of the Bybit door keep, checked as strictly as pybit does."""

from typing import Any

Sides = dict[str, dict[str, str]]


class WrongBookError(AssertionError):
    """A message does not fit the ones before it."""


class BookReplica:
    """The book that messages of one topic describe: prices and sizes as text."""

    def __init__(self) -> None:
        self.sides: Sides = {}
        self._texts: dict[str, dict[float, str]] = {}
        self.update = self.seq = 0
        self.messages = self.snapshots = self.restarts = 0

    def apply(self, message: dict[str, Any]) -> None:
        """Apply the next message; raise WrongBookError if it does not follow."""
        data, kind = message["data"], message["type"]
        self.messages += 1
        if kind == "snapshot":
            self._replace(data)
        elif not self.sides:
            raise WrongBookError("a delta before the snapshot")
        elif data["u"] != self.update + 1:
            raise WrongBookError(f"u {data['u']} after {self.update}")
        else:
            for name in "ba":
                self._change(name, data[name])
        if kind == "delta" and data["seq"] < self.seq:
            raise WrongBookError(f"seq {data['seq']} after {self.seq}")
        self.update, self.seq = data["u"], data["seq"]

    def rows(self) -> tuple[list[list[str]], list[list[str]]]:
        """Return bids and asks, best first."""
        bids = sorted(self.sides["b"].items(), key=lambda row: -float(row[0]))
        asks = sorted(self.sides["a"].items(), key=lambda row: float(row[0]))
        return [list(row) for row in bids], [list(row) for row in asks]

    def _replace(self, data: dict[str, Any]) -> None:
        self.snapshots += 1
        self.restarts += self.update > 0 and data["u"] == 1
        self.sides = {name: dict(data[name]) for name in "ba"}
        self._texts = {name: {float(price): price for price, _ in data[name]} for name in "ba"}
        for name, sign in (("b", -1), ("a", 1)):
            prices = [sign * float(price) for price, _ in data[name]]
            if prices != sorted(set(prices)):
                raise WrongBookError(f"side {name} of a snapshot is not sorted, or repeats prices")

    def _change(self, name: str, rows: list[list[str]]) -> None:
        side, texts = self.sides[name], self._texts[name]
        for price, size in rows:
            number = float(price)
            if texts.get(number, price) != price:
                raise WrongBookError(f"writes {price}, which was {texts[number]} before")
            if float(size):
                side[price], texts[number] = size, price
            elif side.pop(price, None) is None:
                raise WrongBookError(f"deletes {price}, which the client does not hold")
            else:
                del texts[number]
