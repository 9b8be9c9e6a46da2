import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")

app = Celery("pytrade")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
