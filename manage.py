#!/usr/bin/env python
"""Run PyTrade's commands: `manage.py help` lists them."""

import os
import sys

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from pytrade import garbage


def main() -> None:
    garbage.collect_rarely()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pytrade.settings")
    try:
        settings.SECRET_KEY  # noqa: B018  loads the settings
    except ImproperlyConfigured as error:
        sys.exit(f"manage.py: {error}")
    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
