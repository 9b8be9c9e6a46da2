"""Where Bybit is: its main net, its test net, or a door like ours. Pure."""

from dataclasses import dataclass
from typing import Final, Self


@dataclass(frozen=True)
class Addresses:
    """Where paths such as /v5/market/time begin, over HTTP and over WebSockets."""

    rest: str
    sockets: str

    @classmethod
    def below(cls, url: str) -> Self:
        """Return those of a server that serves both below one URL.

        Raise ValueError for a URL that is neither HTTP nor HTTPS.
        """
        base = url.rstrip("/").removesuffix("/v5")
        if not base.startswith(("http://", "https://")):
            raise ValueError(
                f"{url!r} is not an address: use http:// or https://, e.g. "
                "http://127.0.0.1:8000/bybit"
            )
        return cls(base, base.replace("http", "ws", 1))


MAINNET: Final = Addresses("https://api.bybit.com", "wss://stream.bybit.com")
TESTNET: Final = Addresses("https://api-testnet.bybit.com", "wss://stream-testnet.bybit.com")
