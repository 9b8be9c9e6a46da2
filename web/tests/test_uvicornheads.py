"""Patched uvicorn: the head of a request is bounded, in one block or many."""

import asyncio
from typing import Any

import pytest
from uvicorn.config import Config
from uvicorn.server import ServerState

from web import uvicornheads

GET = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"
BLOCK = 8_192


class Connection(asyncio.Transport):
    """A client's connection to an application that answers 204, without a network."""

    def __init__(self) -> None:
        super().__init__()
        uvicornheads.patch()
        config = Config(answer, http="httptools", lifespan="off", log_config=None)
        config.load()
        protocol: Any = config.http_protocol_class
        self.protocol = protocol(config, ServerState(), {})
        self.written = b""
        self.closed = False
        self.protocol.connection_made(self)

    def write(self, data: Any) -> None:
        self.written += data

    def close(self) -> None:
        self.closed = True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None: ...

    def resume_reading(self) -> None: ...

    async def receive(self, data: bytes) -> bytes:
        """Pass `data` to the server in blocks; return all that it has answered."""
        for start in range(0, len(data), BLOCK):
            if not self.closed:
                self.protocol.data_received(data[start : start + BLOCK])
            await asyncio.gather(*self.protocol.tasks)
        return self.written


async def answer(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body", "body": b""})


@pytest.mark.parametrize(
    "head", [b"GET /" + b"x" * 100_000, b"GET / HTTP/1.1\r\nX: " + b"x" * 100_000, b"\r\n" * 50_000]
)
async def test_endless_head_is_rejected_with_431(head: bytes) -> None:
    connection = Connection()
    assert (await connection.receive(head)).startswith(b"HTTP/1.1 431 ")
    assert connection.closed


async def test_large_head_within_the_limit_and_the_next_request_are_answered() -> None:
    connection = Connection()
    large = GET.replace(b"\r\n\r\n", b"\r\nX: " + b"x" * 30_000 + b"\r\n\r\n")
    for count in (1, 2):
        assert (await connection.receive(large)).count(b"HTTP/1.1 204 ") == count


async def test_body_does_not_count() -> None:
    connection = Connection()
    post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n\r\n" + b"x" * 500_000
    assert (await connection.receive(post + GET)).count(b"HTTP/1.1 204 ") == 2
