from django.apps import AppConfig


class VenuesConfig(AppConfig):
    name = "venues"

    def ready(self) -> None:
        from venues.doors import prints  # models are not loaded when this module is

        prints.register()
