"""ASGI applications on a port, in the event loop of a test."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from live.webserver import listening


@contextlib.asynccontextmanager
async def serving(application: Any, port: int = 0) -> AsyncIterator[str]:
    """Serve an application; yield the beginning of its WebSocket addresses."""
    listener = listening("127.0.0.1", port)
    config = uvicorn.Config(
        application, ws="websockets-sansio", lifespan="off", log_config=None, log_level="warning",
        timeout_graceful_shutdown=2,
    )  # fmt: skip
    config.load()
    server = uvicorn.Server(config)
    # Signals stay with pytest; uvicorn has no option for that.
    server.capture_signals = contextlib.nullcontext  # type: ignore[method-assign,assignment]
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        for connection in tuple(server.server_state.connections):
            connection.transport.abort()
        server.should_exit = True
        await running
        listener.close()
