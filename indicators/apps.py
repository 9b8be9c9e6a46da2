from django.apps import AppConfig
from django.conf import settings

from journal.sources import Companion
from live import companions


class IndicatorsConfig(AppConfig):
    name = "indicators"

    def ready(self) -> None:
        if settings.CELERY_TASK_ALWAYS_EAGER:
            companions.register(scan_thread)


def scan_thread(publish: companions.Publish) -> Companion:
    from indicators.embedded import ScanThread  # models are not ready at the top

    return ScanThread(publish)
