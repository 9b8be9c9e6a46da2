"""An exchange in the event loop of a test, for sockets of doors."""

import asyncio
from contextlib import asynccontextmanager

from channels.db import database_sync_to_async

from exchange.engine.messages import BUY, SELL
from exchange.tests.clients import MARK
from exchange.tests.trading import open_exchange
from live.broadcast import Broadcaster


@database_sync_to_async
def in_thread(function, *arguments, **named):
    return function(*arguments, **named)


@asynccontextmanager
async def market(*instruments, mark=MARK, is_running=True):
    """An exchange that publishes on this event loop, and executes commands as they arrive."""
    broadcaster = Broadcaster(instruments, asyncio.get_running_loop())
    opened = open_exchange(*instruments, publish=broadcaster.publish)
    exchange = await in_thread(opened.__enter__)
    for instrument in instruments:
        for level in range(1, 4):
            for side in (BUY, SELL):
                ticks = mark - side * level
                await in_thread(exchange.provide, instrument.symbol, side, ticks, 50)
    executing = exchange.running()
    if is_running:
        executing.__enter__()
    try:
        yield exchange
    finally:
        if is_running:
            await asyncio.to_thread(executing.__exit__, None, None, None)
        await in_thread(opened.__exit__, None, None, None)
