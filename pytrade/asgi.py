import os

import django

from pytrade import garbage

garbage.collect_rarely()
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
django.setup(set_prefix=False)

from pytrade.handler import ThreadHandler  # noqa: E402  needs the apps loaded above
from pytrade.routing import build_application  # noqa: E402

application = build_application(ThreadHandler())
garbage.settle()
