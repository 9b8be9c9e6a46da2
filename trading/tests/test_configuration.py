"""Configurations: every problem is named with its field, and versions are only added."""

from typing import Any

import pytest

from exchange.kinds import MONEY_UNITS
from exchange.tests.clients import listed
from trading.configuring import configuration_of, configure, global_limits
from trading.core.configuration import ConfigurationError, parse, parse_limits
from trading.core.risk.limits import Limits
from trading.core.strategies.imbalance import Imbalance
from trading.models import AuditEntry, BotConfiguration
from trading.tests.bots import NOW, bot

GOOD: dict[str, Any] = {"strategy": "imbalance", "symbols": ["ES"]}


def test_defaults_are_those_of_the_specification() -> None:
    found = parse(GOOD, ["ES"])
    assert isinstance(found.strategy, Imbalance)
    assert (found.strategy.buy_from, found.strategy.sell_below) == (0.75, 0.25)
    limits = found.limits
    assert (limits.max_positions, limits.max_exposure, limits.min_order) == (
        5,
        10_000 * MONEY_UNITS,
        5 * MONEY_UNITS,
    )
    assert limits.max_drawdown_ppm == 200_000


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"strategy": "magic"}, "strategy"),
        ({"strategy": None}, "strategy"),
        ({"strategy": []}, "strategy"),
        ({"symbols": []}, "symbols"),
        ({"symbols": "ES"}, "symbols"),
        ({"symbols": ["NOPE"]}, "symbols"),
        ({"symbols": [{}]}, "symbols"),
        ({"symbols": ["ES", "ES"]}, "symbols"),
        ({"parameters": {"buy_from": 2}}, "parameters.buy_from"),
        ({"parameters": {"lots": 1.5}}, "parameters.lots"),
        ({"parameters": {"lots": True}}, "parameters.lots"),
        ({"parameters": {"speed": 1}}, "parameters"),
        ({"parameters": 3}, "parameters"),
        ({"limits": {"max_exposure": -1}}, "limits.max_exposure"),
        ({"limits": {"max_exposure": "NaN"}}, "limits.max_exposure"),
        ({"limits": {"max_exposure": 1e300}}, "limits.max_exposure"),
        ({"limits": {"max_drawdown": 1.5}}, "limits.max_drawdown"),
        ({"limits": {"luck": 1}}, "limits"),
        ({"interval_s": 0}, "interval_s"),
        ({"interval_s": "1"}, "interval_s"),
        ({"interval_s": 10**400}, "interval_s"),
        ({"colour": 1}, "configuration"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_problems_name_their_field(change: dict[str, Any], field: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse({**GOOD, **change}, dict.fromkeys(["ES"]))
    assert list(caught.value.errors) == [field]


def test_a_configuration_that_is_no_object_is_refused() -> None:
    wrong: list[object] = [None, [], "x", 3]
    for given in wrong:
        with pytest.raises(ConfigurationError, match="must be an object"):
            parse(given, ["ES"])


def test_limits_that_are_null_or_missing_do_not_limit() -> None:
    assert parse({**GOOD, "limits": {"max_exposure": None}}, ["ES"]).limits.max_exposure is None
    assert parse_limits({}) == Limits()


@pytest.mark.django_db
def test_versions_are_numbered_and_logged() -> None:
    listed("ES")
    mine = bot()
    for _ in range(2):
        configure(bot=mine, parameters=GOOD, author="me", at=NOW)
    configure(bot=None, parameters={"max_positions": 3}, author="me", at=NOW)
    assert list(BotConfiguration.objects.values_list("bot", "number").order_by("id")) == [
        (mine.pk, 1),
        (mine.pk, 2),
        (None, 1),
    ]
    assert configuration_of(mine).symbols == ("ES",)
    assert global_limits().max_positions == 3
    assert AuditEntry.objects.filter(action="configure").count() == 3
    with pytest.raises(ConfigurationError):
        configure(bot=mine, parameters={}, author="me", at=NOW)
    assert BotConfiguration.objects.count() == 3
