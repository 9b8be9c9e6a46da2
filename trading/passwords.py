"""Change of password: every token and every other session of the user ends with the old one."""

from django.contrib.auth import update_session_auth_hash
from django.contrib.auth.models import User
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from rest_framework.authtoken.models import Token

from trading import auditlog


def change_password(request: HttpRequest, user: User, new: str) -> None:
    """Store a valid new password; the session of the request goes on."""
    with transaction.atomic():
        user.set_password(new)
        user.save(update_fields=["password"])
        Token.objects.filter(user=user).delete()
        name = user.get_username()
        auditlog.append(actor=name, action="password", detail={"user": name}, at=timezone.now())
    update_session_auth_hash(request, user)
