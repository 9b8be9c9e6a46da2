"""How to point ccxt at the door: the address in BYBIT_URL, the key in BYBIT_KEY and _SECRET."""

import os
from typing import Any


def settings() -> dict[str, Any]:
    url = os.environ["BYBIT_URL"]
    sockets = url.replace("http", "ws", 1) + "/v5"
    return {
        "apiKey": os.environ["BYBIT_KEY"],
        "secret": os.environ["BYBIT_SECRET"],
        "options": {"defaultType": "linear"},
        "urls": {
            "api": {
                "public": url,
                "private": url,
                "ws": {
                    "public": {"linear": f"{sockets}/public/linear"},
                    "private": {"contract": f"{sockets}/private", "trade": f"{sockets}/trade"},
                },
            }
        },
    }
