"""The bytes of a WebSocket client: handshake and frames. Each frame costs a few microseconds."""

import os
from base64 import b64encode

TEXT, CLOSE, PING, PONG = 1, 8, 9, 10


def handshake(host: str, path: str) -> bytes:
    """Return the opening request."""
    key = b64encode(os.urandom(16)).decode()
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n"
    ).encode()


def is_accepted(head: bytes) -> bool:
    """Tell whether a response accepts the handshake."""
    return b" 101 " in head.partition(b"\r\n")[0]


def frame(payload: bytes, opcode: int = TEXT) -> bytes:
    """Return a frame of at most 65,535 bytes, masked with zeros."""
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + size.to_bytes(2, "big")
    return bytes([0x80 | opcode]) + length + bytes(4) + payload


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """Return opcode and payload of each complete frame of a server, and the incomplete rest."""
    frames = []
    start, end = 0, len(data)
    while end - start >= 2:
        size, body = data[start + 1], start + 2
        if size == 126:
            size, body = int.from_bytes(data[start + 2 : start + 4], "big"), start + 4
        elif size == 127:
            size, body = int.from_bytes(data[start + 2 : start + 10], "big"), start + 10
        if body + size > end:
            break
        frames.append((data[start] & 15, data[body : body + size]))
        start = body + size
    return frames, data[start:]
