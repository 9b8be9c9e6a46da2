from django.apps import AppConfig
from django.conf import settings

from journal.sources import Companion
from live import companions


class TradingConfig(AppConfig):
    name = "trading"

    def ready(self) -> None:
        from trading import auditing  # models are not loaded when this module is

        auditing.register()
        if settings.MARKET_RUNS_BOTS:
            companions.register(bot_thread)


def bot_thread(_: companions.Publish) -> Companion:
    from trading.supervisor import BotThread  # models are not ready at the top

    return BotThread()
