"""Pages of the login and of the change of password."""

from typing import Any

from axes.handlers.proxy import AxesProxyHandler
from django.contrib import messages
from django.contrib.auth import authenticate
from django.contrib.auth.forms import PasswordChangeForm
from django.contrib.auth.views import LoginView, PasswordChangeView
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from trading.passwords import change_password
from trading.roles import role_of


class LoginPage(LoginView):
    template_name = "trading/login.html"


class PasswordForm(PasswordChangeForm):
    """Asks for the old password, which counts as a login: guesses lock the user out."""

    def __init__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._request = request

    def clean_old_password(self) -> str:
        old = str(self.cleaned_data["old_password"])
        name = self.user.get_username()
        if authenticate(self._request, username=name, password=old) is None:
            is_locked = AxesProxyHandler.is_locked(self._request, {"username": name})
            self.add_error(
                "old_password",
                "There were too many failed logins: wait a while."
                if is_locked
                else "This is not your present password.",
            )
        return old


class PasswordPage(PasswordChangeView):
    """Changes the password of the user who is logged in."""

    template_name = "trading/password.html"
    form_class = PasswordForm

    def get_form_kwargs(self) -> dict[str, Any]:
        return super().get_form_kwargs() | {"request": self.request}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        return super().get_context_data(role=role_of(self.request.user).name.lower(), **kwargs)

    def form_valid(self, form: Any) -> HttpResponse:
        change_password(self.request, form.user, form.cleaned_data["new_password1"])
        messages.success(self.request, "Your password is changed. Other sessions and tokens ended.")
        return redirect("bots")
