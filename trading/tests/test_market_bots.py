"""A running market runs the bots, unless it leaves them to a process of their own."""

import pytest
from django.apps import apps
from pytest_django import Settings

from live import companions
from trading.supervisor import BotThread


@pytest.mark.parametrize(("runs_bots", "beside"), [(True, [BotThread]), (False, [])])
def test_a_market_runs_bots_if_the_setting_says_so(
    runs_bots: bool, beside: list[type], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MARKET_RUNS_BOTS = runs_bots
    monkeypatch.setattr(companions, "_factories", [])
    apps.get_app_config("trading").ready()
    assert [type(each) for each in companions.companions(lambda _: None)] == beside
