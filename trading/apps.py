from django.apps import AppConfig


class TradingConfig(AppConfig):
    name = "trading"

    def ready(self) -> None:
        from trading import auditing  # models are not loaded when this module is

        auditing.register()
