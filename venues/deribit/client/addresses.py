"""Where Deribit is: its main net, its test net, or a door like ours. Pure."""

from typing import Final

PATH: Final = "/ws/api/v2"
MAINNET: Final = f"wss://www.deribit.com{PATH}"
TESTNET: Final = f"wss://test.deribit.com{PATH}"


def socket_below(url: str) -> str:
    """Return the WebSocket of a server, e.g. http://127.0.0.1:8000/deribit; raise ValueError."""
    base = url.rstrip("/").removesuffix(PATH)
    if base.startswith(("http://", "https://")):
        base = base.replace("http", "ws", 1)
    if not base.startswith(("ws://", "wss://")):
        raise ValueError(
            f"{url!r} is not an address: use http://, https://, ws:// or wss://, e.g. "
            "http://127.0.0.1:8000/deribit"
        )
    return f"{base}{PATH}"
