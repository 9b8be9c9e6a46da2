from django.apps import AppConfig


class QuotesConfig(AppConfig):
    name = "quotes"

    def ready(self) -> None:
        from quotes.pages import checks  # noqa: F401  registers itself
