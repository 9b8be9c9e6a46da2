from django.apps import AppConfig


class OrderflowConfig(AppConfig):
    name = "orderflow"

    def ready(self) -> None:
        from orderflow import auditing, derived, livetape  # models are not loaded at import time

        derived.register()
        auditing.register()
        livetape.register()
