"""What daphne's WebSockets lack: close codes of the registered range, and peace with the gone."""

from daphne.ws_protocol import WebSocketProtocol

REGISTERED = range(1001, 1015)
"""Autobahn's sendClose refuses them, e.g. 1008."""

send = WebSocketProtocol.serverSend


def server_send(self: WebSocketProtocol, content: bytes | str, binary: bool = False) -> None:
    """Send, unless the client is going: its consumer is about to hear of that."""
    if self.state in (self.STATE_CONNECTING, self.STATE_OPEN):
        send(self, content, binary)


def server_close(self: WebSocketProtocol, code: int | None = None) -> None:
    """Close with any code that a server may send."""
    if code in REGISTERED:
        self.sendCloseFrame(code=code, isReply=False)
    else:
        self.sendClose(code=code)


def mend() -> None:
    WebSocketProtocol.serverSend = server_send
    WebSocketProtocol.serverClose = server_close
