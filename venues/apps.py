from django.apps import AppConfig
from django.conf import settings


class VenuesConfig(AppConfig):
    name = "venues"

    def ready(self) -> None:
        # models are not loaded when this module is
        from venues.doors import prints
        from venues.doors.sharedclients import shared

        prints.register()
        if settings.REDIS_URL:
            shared.start()
