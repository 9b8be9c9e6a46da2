"""An application on which a burst of handshakes keeps the event loop busy for many seconds.

daphne rig.slowhandshake:application
"""

import asyncio
import os
import time
from typing import Any

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")

STEPS, STEP_S = 7, 0.025
"""Work before a connection is accepted; 40 connections at once take 7 s."""


def make_application() -> Any:
    django.setup()
    from live import daphnesockets

    daphnesockets.patch()
    return answer


async def answer(scope: Any, receive: Any, send: Any) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})
        return
    for _ in range(STEPS):
        time.sleep(STEP_S)  # on the loop, on purpose
        await asyncio.sleep(0)
    await receive()
    await send({"type": "websocket.accept"})
    while (await receive())["type"] != "websocket.disconnect":
        pass


application = make_application()
