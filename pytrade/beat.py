"""What beat sends, and when."""

from typing import Any, Final

from celery.schedules import crontab
from django.conf import settings

SCHEDULE: Final[dict[str, dict[str, Any]]] = {
    "scan": {"task": "indicators.scan", "schedule": crontab(), "options": {"expires": 55}},
    "prices": {
        "task": "gateway.fetch_prices",
        "schedule": settings.DERIBIT_FETCH_S,
        "options": {"expires": settings.DERIBIT_FETCH_S},
    },
    "newest": {
        "task": "gateway.refresh",
        "schedule": settings.DERIBIT_REFRESH_S,
        "options": {"expires": settings.DERIBIT_REFRESH_S},
    },
    "persons": {"task": "gateway.store_persons", "schedule": crontab(minute=0, hour=0)},
}
