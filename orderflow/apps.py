from django.apps import AppConfig

from indicators import catalogue


class OrderflowConfig(AppConfig):
    name = "orderflow"

    def ready(self) -> None:
        from indicators import readers  # models are not loaded at import time
        from orderflow import auditing, derived, livetape, points
        from orderflow.measures import entries

        derived.register()
        auditing.register()
        livetape.register()
        readers.register(entries.TRADES, points.TradesReader())
        readers.register(entries.BESTS, points.BestsReader())
        catalogue.register(*entries.ENTRIES)
