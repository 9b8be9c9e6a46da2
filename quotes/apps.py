from django.apps import AppConfig

from market import kinds
from quotes.kinds import QUOTE_CANDLES, QUOTES, REGIMES


class QuotesConfig(AppConfig):
    name = "quotes"

    def ready(self) -> None:
        from quotes import auditing, derived  # models are not loaded at import time
        from quotes.pages import checks  # noqa: F401  registers itself

        kinds.register(QUOTES)
        kinds.register(REGIMES)
        derived.register(QUOTE_CANDLES)
        auditing.register()
