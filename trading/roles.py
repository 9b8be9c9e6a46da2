"""What users may do with bots: viewers read their own, traders run them, admins do all of it.

Every user is a viewer. Traders and admins are groups; superusers are admins.
"""

from enum import IntEnum
from typing import Any, Final

from django.contrib.auth.models import User
from django.db.models import QuerySet

from trading.models import Bot

TRADERS: Final = "traders"
ADMINS: Final = "trading admins"


class Role(IntEnum):
    NOBODY = 0
    VIEWER = 1
    TRADER = 2
    ADMIN = 3


def role_of(user: Any) -> Role:
    """Return the role of a user, NOBODY without a login."""
    if not isinstance(user, User) or not user.is_active:
        return Role.NOBODY
    groups = set(user.groups.filter(name__in=(TRADERS, ADMINS)).values_list("name", flat=True))
    if user.is_superuser or ADMINS in groups:
        return Role.ADMIN
    return Role.TRADER if TRADERS in groups else Role.VIEWER


def bots_of(user: Any) -> "QuerySet[Bot]":
    """Return the bots that a user may see: all for admins, otherwise those that they own."""
    if role_of(user) is Role.ADMIN:
        return Bot.objects.all()
    return Bot.objects.filter(owner=user) if isinstance(user, User) else Bot.objects.none()
