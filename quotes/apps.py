from django.apps import AppConfig


class QuotesConfig(AppConfig):
    name = "quotes"

    def ready(self) -> None:
        from live import sequenced
        from live.catchup import QuoteStreams
        from quotes.pages import checks  # noqa: F401  registers itself

        sequenced.register("quotes", QuoteStreams())
