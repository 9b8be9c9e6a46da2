"""Clients of ccxt that do not wait between requests: our doors have no limits in tests."""

from typing import Any

import pytest

from venues.ccxt import exchanges


def do_not_throttle(monkeypatch: pytest.MonkeyPatch) -> None:
    settings_of = exchanges.settings_of

    def unthrottled(exchange_id: str, url: str | None) -> dict[str, Any]:
        return {**settings_of(exchange_id, url), "enableRateLimit": False}

    monkeypatch.setattr(exchanges, "settings_of", unthrottled)
