import os

from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
django_application = get_asgi_application()

from pytrade.routing import build_application  # noqa: E402  needs the apps loaded above

application = build_application(django_application)
