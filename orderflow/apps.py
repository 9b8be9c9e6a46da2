from django.apps import AppConfig

from indicators import catalogue


class OrderflowConfig(AppConfig):
    name = "orderflow"

    def ready(self) -> None:
        from indicators import readers  # models are not ready at the top
        from orderflow import points
        from orderflow.measures import entries

        readers.register(entries.TRADES, points.TradesReader())
        readers.register(entries.BESTS, points.BestsReader())
        catalogue.register(*entries.ENTRIES)
