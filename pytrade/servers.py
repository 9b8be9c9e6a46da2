"""Adaptations of the server that has loaded this application: uvicorn or daphne."""

import sys

from live import uvicornends, uvicornsockets
from pytrade import accesslogs
from web import uvicornheads


def adapt() -> None:
    """Patch uvicorn, and daphne where it is loaded, which takes too long to do in vain."""
    accesslogs.hide_queries_of_uvicorn()
    uvicornends.patch()
    uvicornsockets.patch()
    uvicornheads.patch()
    if "daphne.server" in sys.modules:
        from live import daphnesockets
        from web import daphnefaults

        accesslogs.hide_queries_of_daphne()
        daphnesockets.patch()
        daphnefaults.patch()
