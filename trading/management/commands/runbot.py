import asyncio
import signal
from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from quotes.management.base import QuietCommand, UsageError, positive
from trading.models import Bot
from trading.owning import want
from trading.supervisor import Supervisor

ACTOR = "runbot"


class Command(QuietCommand):
    help = "Run bots until they are stopped; without names, supervise all that are wanted."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("names", nargs="*", metavar="NAME", help="bots to start and run here")
        parser.add_argument(
            "--duration", type=positive, metavar="SECONDS", help="stop after this time"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        bots = named(options["names"])
        for bot in bots:
            if bot.runner:
                raise CommandError(f"bot {bot.name} is run by {bot.runner} already: stop it first")
            want(bot, is_wanted=True, actor=ACTOR, at=timezone.now())
        supervisor = Supervisor([bot.name for bot in bots] or None)
        asyncio.run(supervise(supervisor, options["duration"], until_idle=bool(bots)))
        problems = {bot.name: bot.problem for bot in named(options["names"]) if bot.problem}
        if problems:
            listed = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
            raise CommandError(listed)
        self.finish({"bots": [bot.name for bot in bots]}, "all bots have ended")


async def supervise(supervisor: Supervisor, duration_s: float | None, *, until_idle: bool) -> None:
    """Run until a signal arrives, the time is over, or with `until_idle` no bot runs any more."""
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, supervisor.stop)
    if duration_s is not None:
        loop.call_later(duration_s, supervisor.stop)
    await supervisor.run(until_idle=until_idle)


def named(names: list[str]) -> list[Bot]:
    """Return bots by name; raise UsageError for those that do not exist."""
    found = {bot.name: bot for bot in Bot.objects.filter(name__in=names)}
    missing = [name for name in names if name not in found]
    if missing:
        known = ", ".join(Bot.objects.values_list("name", flat=True)) or "there is none yet"
        raise UsageError(f"no bot {missing[0]!r}: use {known}")
    return [found[name] for name in dict.fromkeys(names)]
