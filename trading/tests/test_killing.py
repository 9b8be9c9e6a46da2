"""The kill switch blocks, whoever throws it, until somebody with the right to do so releases it."""

from typing import Any

import pytest

from trading import killing
from trading.killing import AdminOnlyError, release, throw
from trading.models import AuditEntry, KillSwitch
from trading.tests.bots import NOW, bot


@pytest.mark.django_db
def test_a_switch_stops_its_bot_or_all() -> None:
    one, other = bot("b1"), bot("b2")
    throw(bot=one, actor="me", reason="test", at=NOW)
    assert KillSwitch.objects.stops(one)
    assert not KillSwitch.objects.stops(other)
    throw(bot=None, actor="me", reason="test", at=NOW)
    assert KillSwitch.objects.stops(other)
    assert release(bot=None, actor="me", at=NOW)
    assert KillSwitch.objects.stops(one)
    assert not KillSwitch.objects.stops(other)


@pytest.mark.django_db
@pytest.mark.parametrize("of_all", [True, False])
def test_throwing_twice_is_one_switch_and_one_entry(of_all: bool) -> None:
    which = None if of_all else bot()
    first = throw(bot=which, actor="me", reason="", at=NOW)
    assert throw(bot=which, actor="them", reason="", at=NOW) == first
    assert release(bot=which, actor="me", at=NOW)
    assert not release(bot=which, actor="me", at=NOW)
    assert throw(bot=which, actor="me", reason="", at=NOW) != first
    actions = AuditEntry.objects.order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["kill", "release", "kill"]


@pytest.mark.django_db
def test_a_long_reason_does_not_keep_the_switch_from_blocking() -> None:
    assert len(throw(bot=None, actor="me", reason="x" * 1000, at=NOW).reason) == 200


@pytest.mark.django_db
@pytest.mark.parametrize("trader_was_first", [True, False])
def test_a_switch_of_an_admin_is_released_by_admins_alone(trader_was_first: bool) -> None:
    one = bot()
    if trader_was_first:
        throw(bot=one, actor="trader", reason="", at=NOW)
    throw(bot=one, actor="admin", reason="", at=NOW, by_admin=True)
    with pytest.raises(AdminOnlyError):
        release(bot=one, actor="trader", at=NOW)
    assert KillSwitch.objects.stops(one)
    assert release(bot=one, actor="admin", at=NOW, by_admin=True)


@pytest.mark.django_db
def test_a_switch_that_is_released_while_an_admin_throws_it_is_on_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    one, kept = bot(), killing._is_kept
    throw(bot=one, actor="trader", reason="", at=NOW)

    def released_before(*arguments: Any) -> bool:
        monkeypatch.setattr(killing, "_is_kept", kept)
        release(bot=one, actor="trader", at=NOW)
        return kept(*arguments)

    monkeypatch.setattr(killing, "_is_kept", released_before)
    throw(bot=one, actor="admin", reason="", at=NOW, by_admin=True)
    assert KillSwitch.objects.get(is_on=True).needs_admin
