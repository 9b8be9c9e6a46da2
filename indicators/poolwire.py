"""Messages between a pool and its workers: pickles over a socket pair, with a descriptor."""

import pickle
import socket
import struct
from typing import Any, NamedTuple

LENGTH = struct.Struct("!Q")


class Work(NamedTuple):
    function: str
    shape: tuple[int, ...]
    dtype: str
    arguments: tuple[Any, ...]


class Answer(NamedTuple):
    result: Any
    traceback: str | None


def send(to: socket.socket, message: Work | Answer, descriptor: int | None = None) -> None:
    data = pickle.dumps(message)
    descriptors = [] if descriptor is None else [descriptor]
    socket.send_fds(to, [LENGTH.pack(len(data))], descriptors)
    to.sendall(data)


def receive(of: socket.socket) -> tuple[Any, int | None]:
    """Return the next message and its descriptor; raise EOFError at the end."""
    head, descriptors, _, _ = socket.recv_fds(of, LENGTH.size, 1)
    while len(head) < LENGTH.size:
        head += _some(of, LENGTH.size - len(head))
    missing = LENGTH.unpack(head)[0]
    data = bytearray()
    while len(data) < missing:
        data += _some(of, min(missing - len(data), 1 << 20))
    # Only our own parent or child writes to this socket.
    return pickle.loads(data), descriptors[0] if descriptors else None  # noqa: S301


def _some(of: socket.socket, most: int) -> bytes:
    data = of.recv(most)
    if not data:
        raise EOFError
    return data
