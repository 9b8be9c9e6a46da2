from typing import Any

from django.core.management.base import CommandError, CommandParser
from django.utils import timezone

from quotes.management.base import QuietCommand
from trading.acting import kill
from trading.killing import release
from trading.management.commands.runbot import named
from trading.models import Bot

ACTOR = "killswitch"


class Command(QuietCommand):
    help = "Block bots, cancel their orders and close their positions."

    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.add_argument("name", nargs="?", help="of one bot (default: all bots)")
        parser.add_argument("--release", action="store_true", help="let them trade again")
        parser.add_argument("--reason", default="", help="for the log")

    def handle(self, *args: Any, **options: Any) -> None:
        bot = named([options["name"]])[0] if options["name"] else None
        if options["release"]:
            was_on = release(bot=bot, actor=ACTOR, at=timezone.now(), by_admin=True)
            self.finish({"released": was_on}, "released" if was_on else "the switch was not on")
            return
        bots = list(Bot.objects.all()) if bot is None else [bot]
        done = kill(bots, bot=bot, actor=ACTOR, reason=options["reason"], by_admin=True)
        left = [
            f"{each.bot.name}: {each.error or f'{each.orders} orders, {each.positions} positions'}"
            for each in done
            if not each.is_flat
        ]
        if left:
            raise CommandError(f"blocked, but not flat: {'; '.join(left)}")
        self.finish({"killed": len(done)}, f"{len(done)} bots are blocked and flat")
