"""Minimal WebSocket clients: one thread reads thousands of sockets and splits frames.

Each frame costs a few microseconds, so benchmarks measure the server and not the clients.
"""

import selectors
import socket
import struct
import time
from collections.abc import Callable
from typing import Self

from rig.wsframes import CLOSE, PING, PONG, TEXT, frame, handshake, is_accepted, split

Received = Callable[["RawSocket", bytes, float], None]
"""Callback: the socket, the payload of a text frame and its arrival time (s since 1970)."""


class RawSocket:
    """One WebSocket connection that splits frames and answers pings."""

    def __init__(
        self, port: int, path: str, receive_bytes: int | None = None, host: str = "127.0.0.1"
    ) -> None:
        """Connect and perform the handshake; `receive_bytes`: size of the receive buffer."""
        self.socket = socket.socket()
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.settimeout(60)
        self.socket.connect((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.close_code: int | None = None
        self.closed = False
        self._rest = b""
        self._shake_hands(f"{host}:{port}", path)
        self.socket.setblocking(False)

    def _shake_hands(self, host: str, path: str) -> None:
        self.socket.sendall(handshake(host, path))
        answer = b""
        while b"\r\n\r\n" not in answer:
            block = self.socket.recv(65536)
            if not block:
                raise ConnectionError(f"connection closed during the handshake: {answer[:200]!r}")
            answer += block
        head, _, self._rest = answer.partition(b"\r\n\r\n")
        if not is_accepted(head):
            raise ConnectionError(f"handshake refused: {head.splitlines()[0]!r}")

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        self.socket.setblocking(True)
        self.socket.sendall(frame(payload, opcode))
        self.socket.setblocking(False)

    def read(self, received: Received) -> None:
        """Read available bytes and pass each complete text frame to `received`."""
        try:
            block = self.socket.recv(262_144)
        except BlockingIOError:
            return
        except ConnectionError:
            block = b""
        if not block:
            self.closed = True
            return
        self.split(self._rest + block if self._rest else block, received)

    def split(self, data: bytes, received: Received) -> None:
        now = time.time()
        frames, self._rest = split(data)
        for opcode, payload in frames:
            if opcode == TEXT:
                received(self, payload, now)
            elif opcode == PING:
                self.send(payload, PONG)
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big")
                self.closed = True

    def send_close(self) -> None:
        """Start the closing handshake."""
        self.send((1000).to_bytes(2, "big"), CLOSE)

    def abort(self) -> None:
        """Close without a closing handshake; the peer sees a TCP reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.closed = True
        self.socket.close()


class RawSockets:
    """A set of sockets read by one thread."""

    def __init__(self) -> None:
        self.all: list[RawSocket] = []
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for each in self.all:
            each.close()
        self._selector.close()

    def leave_unread(self, sock: RawSocket) -> None:
        self._selector.unregister(sock.socket)

    def forget_closed(self) -> None:
        """Stop polling sockets that we have closed."""
        for key in list(self._selector.get_map().values()):
            if key.data.closed:
                self._selector.unregister(key.fileobj)

    def add(self, sock: RawSocket) -> RawSocket:
        self.all.append(sock)
        self._selector.register(sock.socket, selectors.EVENT_READ, sock)
        return sock

    def read(self, received: Received, until: Callable[[], bool], timeout_s: float) -> float:
        """Read until `until()` or the timeout; return the CPU load of this process (0 to 1)."""
        started, busy = time.monotonic(), time.process_time()
        while not until() and (left := started + timeout_s - time.monotonic()) > 0:
            for key, _ in self._selector.select(min(left, 0.05)):
                key.data.read(received)
                if key.data.closed:
                    self._selector.unregister(key.fileobj)
        return (time.process_time() - busy) / max(time.monotonic() - started, 1e-9)
