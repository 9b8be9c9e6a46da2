"""Close codes of the registered range through daphne: Autobahn's sendClose refuses e.g. 1008."""

from daphne.ws_protocol import WebSocketProtocol

REGISTERED = range(1001, 1015)


def server_close(self: WebSocketProtocol, code: int | None = None) -> None:
    """Close with any code that a server may send."""
    if code in REGISTERED:
        self.sendCloseFrame(code=code, isReply=False)
    else:
        self.sendClose(code=code)


def allow_registered_codes() -> None:
    WebSocketProtocol.serverClose = server_close
