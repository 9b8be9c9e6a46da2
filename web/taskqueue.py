"""Celery's app: processes hand their tasks to it, and workers take them from it.

Only modules with tasks import this, and only what calls tasks imports those: Celery takes a tenth
of the start of a process, and most commands have no task for it.
"""

from celery import Celery
from celery.signals import setup_logging

app = Celery("pytrade")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


def keep_logging(**_options: object) -> None:
    """Log as all other processes do (pytrade.logs): Celery's handlers would not redact secrets."""


setup_logging.connect(keep_logging)
