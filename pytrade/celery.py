import os

from celery import Celery
from celery.signals import setup_logging

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")

app = Celery("pytrade")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def keep_logging(**_options: object) -> None:
    """Log as all other processes do (pytrade.logs): Celery's handlers would not redact secrets."""


setup_logging.connect(keep_logging)
