"""Celery tasks of the gateway: one worker runs them all, so that they share the connections.

No argument holds credentials, but the handle of sealed ones. A task that comes too late is dropped.
"""

from collections.abc import Sequence

from venues.gateway import logins, prices, vault
from venues.gateway.credentials import LASTS_S
from web.taskqueue import app


@app.task(name="gateway.authenticate", expires=LASTS_S)
def authenticate(handle: str, connection_id: int) -> str:
    return logins.authenticate(handle, connection_id).value


@app.task(name="gateway.fetch_prices")
def fetch_prices(names: Sequence[str] | None = None) -> int:
    return prices.fetch_prices(names)


@app.task(name="gateway.refresh")
def refresh() -> int:
    """Put the newest prices into the cache; delete expired credentials, end lost logins."""
    vault.purge()
    logins.give_up()
    return prices.refresh()


@app.task(name="gateway.store_persons")
def store_persons() -> int:
    prices.ask_again()
    return logins.store_persons()
