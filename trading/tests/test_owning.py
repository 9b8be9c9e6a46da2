"""One runner owns a bot; a dead one is replaced once."""

from datetime import timedelta

import pytest

from trading import owning
from trading.models import AuditEntry, Bot
from trading.owning import DEAD_AFTER, NotYoursError
from trading.tests.bots import NOW, bot

pytestmark = pytest.mark.django_db
LATER = NOW + DEAD_AFTER + timedelta(seconds=1)


def test_of_two_runners_one_gets_the_bot() -> None:
    mine = bot()
    assert owning.claim(mine, "one", NOW)
    assert not owning.claim(mine, "two", NOW)
    owning.beat(mine, "one", NOW, equity=5)
    with pytest.raises(NotYoursError, match="b1 is not run by two"):
        owning.beat(mine, "two", NOW)
    assert not owning.leave(mine, "two")
    assert owning.leave(mine, "one", "done")
    assert owning.claim(mine, "two", NOW)
    assert Bot.objects.get().equity == 5


def test_a_bot_is_taken_over_from_a_dead_runner_once() -> None:
    owning.claim(bot(), "one", NOW)
    mine = Bot.objects.get()
    assert not owning.dead(NOW).exists()
    assert not owning.take_over(mine, "two", NOW)
    assert owning.take_over(mine, "two", LATER)
    assert not owning.take_over(mine, "three", LATER)
    with pytest.raises(NotYoursError):
        owning.beat(mine, "one", LATER)
    assert AuditEntry.objects.get().action == "dead"


def test_starting_and_stopping_are_logged_when_they_change_something() -> None:
    mine = bot()
    for is_wanted in (True, True, False):
        owning.want(mine, is_wanted=is_wanted, actor="me", at=NOW)
    actions = AuditEntry.objects.order_by("seq").values_list("action", flat=True)
    assert list(actions) == ["start", "stop"]
