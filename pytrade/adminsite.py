"""The admin site, whose pages are imported only when they are served or checked.

Commands serve none, and importing those of all apps takes a twentieth of their start.
"""

from collections.abc import Sequence
from typing import Any

from django.apps import AppConfig
from django.contrib import admin
from django.contrib.admin.apps import SimpleAdminConfig
from django.core.checks import CheckMessage


class AdminConfig(SimpleAdminConfig):
    """Replaces "django.contrib.admin" in INSTALLED_APPS."""

    default_site = "pytrade.adminsite.AdminSite"


class AdminSite(admin.AdminSite):
    def get_urls(self) -> list[Any]:
        discover()
        return super().get_urls()

    def check(self, app_configs: Sequence[AppConfig] | None) -> list[CheckMessage]:
        discover()
        return super().check(app_configs)


def discover() -> None:
    """Import the admin modules of all apps, which register their pages."""
    import django_stubs_ext

    django_stubs_ext.monkeypatch()  # makes ModelAdmin[Instrument] and the like valid at run time
    admin.autodiscover()
