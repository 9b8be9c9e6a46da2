"""`runbot` starts bots by name, and says why one cannot run."""

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from trading.models import Bot
from trading.tests.bots import bot

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.mark.usefixtures("committed_log")
def test_a_bot_that_cannot_run_ends_with_the_reason() -> None:
    bot("maker")
    with pytest.raises(CommandError, match="maker: bot maker has no account of the exchange"):
        call_command("runbot", "maker")
    stored = Bot.objects.get()
    assert (stored.is_wanted, stored.runner) == (False, "")


def test_unknown_and_running_bots_are_refused() -> None:
    bot("maker")
    with pytest.raises(CommandError, match="no bot 'maler': use maker"):
        call_command("runbot", "maler")
    Bot.objects.update(runner="elsewhere")
    with pytest.raises(CommandError, match="is run by elsewhere already"):
        call_command("runbot", "maker")
