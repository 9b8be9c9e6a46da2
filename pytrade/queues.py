"""Celery without Django's apps: for processes that run no task, i.e. beat and Flower.

They need the settings of Celery, but none of the models and tasks, whose imports take 50 MB.
"""

import os
from logging.config import dictConfig
from typing import Any

from celery import Celery
from celery.app.log import Logging
from celery.loaders.app import AppLoader
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")

from pytrade.beat import SCHEDULE  # reads the settings


class SettingsLoader(AppLoader):  # type: ignore[misc]  # Celery has no types
    """Imports no tasks, and starts no Django."""

    def import_default_modules(self) -> list[Any]:
        return []


class SettingsLogging(Logging):  # type: ignore[misc]  # Celery has no types
    """Logs as all other processes do."""

    def setup_logging_subsystem(self, *_: Any, **_options: Any) -> bool:
        dictConfig(settings.LOGGING)
        return True


app = Celery("pytrade", loader=SettingsLoader, log=SettingsLogging, fixups=[], set_as_current=False)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.beat_schedule = SCHEDULE
