"""Publications from a process without an event loop."""

import asyncio

from asgiref.sync import async_to_sync
from channels.layers import get_channel_layer

from live.frames import Publication
from live.membership import LAYER_S


def publish(publications: list[Publication]) -> None:
    """Publish; raise one of `live.membership.layer_errors()` on failure."""

    async def send() -> None:
        layer = get_channel_layer()
        for item in publications:
            async with asyncio.timeout(LAYER_S):
                await layer.group_send(item["topic"], item)

    async_to_sync(send)()
