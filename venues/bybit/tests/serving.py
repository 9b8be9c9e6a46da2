"""A door on a real socket, in the event loop of a test."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn

from live.webserver import Uvicorn, listening


@asynccontextmanager
async def served(application: Any) -> AsyncGenerator[str, None]:
    """Serve an ASGI application; yield its address."""
    listener = listening("127.0.0.1", 0)
    config = uvicorn.Config(
        application,
        ws="websockets-sansio",
        http="httptools",
        lifespan="off",
        log_config=None,
        log_level="warning",
        access_log=False,
    )
    server = Uvicorn(config)
    running = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await running
