"""Where `celery --app pytrade` finds the app; `--app pytrade.queues` is the one of beat."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")

from pytrade.beat import SCHEDULE
from web.taskqueue import app

__all__ = ["app"]

app.conf.beat_schedule = SCHEDULE
