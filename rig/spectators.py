"""Spectators: WebSocket clients that connect all at once and store what they receive.

One thread and one epoll loop serve them all. During a run they only split frames and answer
pings; rig.deliveries parses and verifies afterwards, so that the clients cost little.
"""

import selectors
import socket
import time
from collections.abc import Callable, Sequence
from typing import Self

from rig.wsframes import CLOSE, PING, PONG, TEXT, frame, handshake, is_accepted, split

PATH = "/ws/v1/stream"
BLOCK = 262_144


class Spectator:
    """One client: connects without waiting, says `hello`, stores each text frame and its time."""

    def __init__(
        self, address: tuple[str, int], path: str, hello: bytes, receive_bytes: int | None
    ) -> None:
        """`receive_bytes`: size of the kernel's receive buffer (default: the kernel's choice)."""
        self.started_at = time.monotonic()
        self.connected_at: float | None = None
        self.received: list[tuple[float, bytes]] = []
        self.close_code: int | None = None
        self.is_lost = False
        self.socket = socket.socket()
        self.socket.setblocking(False)
        if receive_bytes is not None:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        self.socket.connect_ex(address)
        self._address = address
        self._path = path
        self._hello = hello
        self._asked = False
        self._rest = b""

    def ask(self) -> None:
        """Send the opening handshake: the kernel has connected."""
        self._asked = True
        host, port = self._address
        self._send(handshake(f"{host}:{port}", self._path))

    def say(self, payload: bytes, opcode: int = TEXT) -> None:
        self._send(frame(payload, opcode))

    def _send(self, data: bytes) -> None:
        try:
            self.socket.sendall(data)
        except OSError:
            self.is_lost = True

    def read(self, now: float) -> None:
        """Take one block of what has arrived."""
        try:
            block = self.socket.recv(BLOCK)
        except BlockingIOError:
            return
        except OSError:
            block = b""
        if not block:
            self.is_lost = True
            return
        data = self._rest + block if self._rest else block
        if self.connected_at is None:
            head, mark, data = data.partition(b"\r\n\r\n")
            if not mark:
                self._rest = head
                return
            if not is_accepted(head):
                self.is_lost = True
                return
            self.connected_at = now
            self.say(self._hello)
        self._split(data, now)

    def _split(self, data: bytes, now: float) -> None:
        frames, self._rest = split(data)
        for opcode, payload in frames:
            if opcode == TEXT:
                self.received.append((now, payload))
            elif opcode == PING:
                self.say(payload, PONG)
            elif opcode == CLOSE:
                self.close_code = int.from_bytes(payload[:2], "big")
                self.is_lost = True

    @property
    def wants_to_ask(self) -> bool:
        return not self._asked


class Spectators:
    """Any number of them, on any ports, read by one thread."""

    def __init__(self, host: str = "127.0.0.1", path: str = PATH) -> None:
        self._path = path
        self.all: list[Spectator] = []
        self._host = host
        self._selector = selectors.DefaultSelector()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.leave(self.all)
        self._selector.close()

    def connect(
        self, port: int, count: int, hello: bytes, receive_bytes: int | None = None
    ) -> list[Spectator]:
        """Begin `count` connections at once; `run` completes them. `hello` is said first."""
        new = [
            Spectator((self._host, port), self._path, hello, receive_bytes) for _ in range(count)
        ]
        for each in new:
            self._selector.register(each.socket, selectors.EVENT_WRITE, each)
        self.all += new
        return new

    def run(self, seconds: float, until: Callable[[], object] = lambda: False) -> None:
        """Read for `seconds`, or until `until()`."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0 and not until():
            for key, _ in self._selector.select(min(left, 0.05)):
                each: Spectator = key.data
                if each.wants_to_ask:
                    each.ask()
                    self._selector.modify(each.socket, selectors.EVENT_READ, each)
                else:
                    each.read(time.monotonic())
                if each.is_lost:
                    self._forget(each)

    def stall(self, spectators: Sequence[Spectator]) -> None:
        """Stop reading from these, but leave them connected."""
        for each in spectators:
            self._selector.unregister(each.socket)

    def resume(self, spectators: Sequence[Spectator]) -> None:
        """Read from these again."""
        for each in spectators:
            self._selector.register(each.socket, selectors.EVENT_READ, each)

    def leave(self, spectators: Sequence[Spectator]) -> None:
        """Disconnect these without a closing handshake."""
        for each in list(spectators):
            self._forget(each)
            each.socket.close()
        gone = set(spectators)
        self.all = [each for each in self.all if each not in gone]

    def _forget(self, spectator: Spectator) -> None:
        if spectator.socket.fileno() in self._selector.get_map():
            self._selector.unregister(spectator.socket)

    @property
    def lost(self) -> int:
        return sum(each.is_lost for each in self.all)
