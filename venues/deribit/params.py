"""The parameters of a request; whatever is wrong raises RpcError. Pure."""

from typing import Final

from venues.deribit.errors import RpcError, invalid
from venues.doors.members import Members

SECRETS: Final = frozenset({"client_secret", "access_token", "refresh_token", "signature"})


class Params(Members):
    """Members of `params`, or of a query."""

    def __repr__(self) -> str:
        shown = {name: "***" if name in SECRETS else self._given[name] for name in self._given}
        return f"Params({shown})"

    def invalid(self, name: str, reason: str) -> RpcError:
        return invalid(name, reason)

    def texts(self, name: str, most: int) -> list[str]:
        """Return a list of 1 to `most` texts; in a query, a JSON list or one text."""
        value = self._given.get(name)
        if isinstance(value, str):
            value = [part.strip(' "') for part in value.strip("[] ").split(",")]
        if not isinstance(value, list) or not 1 <= len(value) <= most:
            raise self.invalid(name, f"must be a list of 1 to {most} texts")
        if not all(isinstance(each, str) and each.isprintable() for each in value):
            raise self.invalid(name, "must contain printable texts only")
        return value

    def refuse(self, *names: str) -> None:
        """Raise RpcError if one of the named options, which are not served, is set."""
        for name in names:
            if self.has(name) and self._given[name] not in (False, "false"):
                raise unserved(name)


def unserved(name: str) -> RpcError:
    return invalid(name, "is not served here: see docs/deribit.md")
