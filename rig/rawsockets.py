"""Light WebSocket clients: one thread reads thousands of sockets and splits frames, no more.

They cost a few microseconds a frame, so that it is the server that is measured.
"""

import os
import selectors
import socket
import struct
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Self

CLOSE, PING, PONG, TEXT = 8, 9, 10, 1
Received = Callable[["RawSocket", bytes, float], None]
"""Called with the socket, the payload of a text frame and the time of its arrival."""


class RawSocket:
    """One WebSocket, of which frames are split and pings answered."""

    def __init__(
        self, port: int, path: str, receive_bytes: int | None = None, host: str = "127.0.0.1"
    ) -> None:
        """Connect and shake hands; `receive_bytes`: the buffer of a socket to be left unread."""
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
        key = b64encode(os.urandom(16)).decode()
        self.socket.sendall(
            f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
            f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
            "Sec-WebSocket-Version: 13\r\n\r\n".encode()
        )
        answer = b""
        while b"\r\n\r\n" not in answer:
            block = self.socket.recv(65536)
            if not block:
                raise ConnectionError(f"no answer to the handshake: {answer[:200]!r}")
            answer += block
        head, _, self._rest = answer.partition(b"\r\n\r\n")
        if b" 101 " not in head.splitlines()[0]:
            raise ConnectionError(f"handshake refused: {head.splitlines()[0]!r}")

    def send(self, payload: bytes, opcode: int = TEXT) -> None:
        """Send a masked frame (with a mask of zeros)."""
        size = len(payload)
        head = bytes([0x80 | opcode])
        head += bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
        self.socket.setblocking(True)
        self.socket.sendall(head + bytes(4) + payload)
        self.socket.setblocking(False)

    def read(self, received: Received) -> None:
        """Take what has arrived; hand each text frame to `received`."""
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
        start, end = 0, len(data)
        while end - start >= 2:
            size, body = data[start + 1], start + 2
            if size == 126:
                size, body = int.from_bytes(data[start + 2 : start + 4], "big"), start + 4
            elif size == 127:
                size, body = int.from_bytes(data[start + 2 : start + 10], "big"), start + 10
            if body + size > end:
                break
            opcode, start = data[start] & 15, body + size
            if opcode == TEXT:
                received(self, data[body:start], now)
            elif opcode == PING:
                self.send(data[body:start], PONG)
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(data[body : body + 2], "big")
                self.closed = True
        self._rest = data[start:]

    def send_close(self) -> None:
        """Begin the closing handshake."""
        self.send((1000).to_bytes(2, "big"), CLOSE)

    def abort(self) -> None:
        """Go without a word: the other side sees a reset."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self) -> None:
        self.closed = True
        self.socket.close()


class RawSockets:
    """Many sockets that one thread reads."""

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
        """Read no more from sockets that we closed."""
        for key in list(self._selector.get_map().values()):
            if key.data.closed:
                self._selector.unregister(key.fileobj)

    def add(self, sock: RawSocket) -> RawSocket:
        self.all.append(sock)
        self._selector.register(sock.socket, selectors.EVENT_READ, sock)
        return sock

    def read(self, received: Received, until: Callable[[], bool], timeout_s: float) -> float:
        """Read until `until()` or the timeout; return the share of the time that it took."""
        started, busy = time.monotonic(), time.process_time()
        while not until() and (left := started + timeout_s - time.monotonic()) > 0:
            for key, _ in self._selector.select(min(left, 0.05)):
                key.data.read(received)
                if key.data.closed:
                    self._selector.unregister(key.fileobj)
        return (time.process_time() - busy) / max(time.monotonic() - started, 1e-9)
