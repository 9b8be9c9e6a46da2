import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
django.setup(set_prefix=False)

from pytrade import garbage  # noqa: E402  needs the apps loaded above
from pytrade.handler import ThreadHandler  # noqa: E402
from pytrade.routing import build_application  # noqa: E402

application = build_application(ThreadHandler())
garbage.settle()
