from django.apps import AppConfig

from market import kinds
from quotes.kinds import QUOTES, REGIMES


class QuotesConfig(AppConfig):
    name = "quotes"

    def ready(self) -> None:
        from journal import derivations  # models are not loaded at import time
        from quotes import auditing
        from quotes.derived import RecordedCandles
        from quotes.pages import checks  # noqa: F401  registers itself

        kinds.register(QUOTES)
        kinds.register(REGIMES)
        derivations.register(QUOTES, RecordedCandles.load)
        auditing.register()
