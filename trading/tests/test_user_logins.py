"""Logins: brute force, tokens after a change of password, roles, and other origins."""

from datetime import timedelta
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth.models import User
from django.test import Client
from pytest_django.fixtures import Settings
from rest_framework.authtoken.models import Token
from rest_framework_simplejwt.tokens import AccessToken, RefreshToken

from trading.models import AuditEntry

pytestmark = [pytest.mark.django_db, pytest.mark.any_database]
PASSWORD, NEW = "of-a-test", "another-of-a-test"
BOTS = "/api/v1/trading/bots/"


@pytest.fixture
def user() -> User:
    return User.objects.create_user("me", password=PASSWORD)


def post(path: str, body: Any, token: str = "", **extra: Any) -> Any:
    headers = {"authorization": f"Bearer {token}"} if token else {}
    return Client().post(
        f"/api/v1/auth/{path}/", body, content_type="application/json", headers=headers, **extra
    )


def log_in(password: str = PASSWORD, **extra: Any) -> Any:
    return post("token", {"username": "me", "password": password}, **extra)


def read_bots(token: str) -> int:
    return Client().get(BOTS, headers={"authorization": f"Bearer {token}"}).status_code


def test_a_login_gives_tokens_that_are_verified_and_refreshed(user: User) -> None:
    tokens = log_in().json()
    assert read_bots(tokens["access"]) == 200
    assert post("token/verify", {"token": tokens["access"]}).json() == {"username": "me"}
    again = post("token/refresh", {"refresh": tokens["refresh"]}).json()
    assert read_bots(again["access"]) == 200


def test_tokens_of_the_wrong_kind_expired_or_forged_are_refused(user: User) -> None:
    tokens = log_in().json()
    assert post("token/refresh", {"refresh": tokens["access"]}).status_code == 401
    assert post("token/verify", {"token": tokens["refresh"]}).status_code == 401
    assert read_bots(tokens["refresh"]) == 401
    assert read_bots(tokens["access"][:-3] + "abc") == 401
    old = AccessToken.for_user(user)
    old.set_exp(lifetime=-timedelta(seconds=1))
    assert read_bots(str(old)) == 401


def test_tokens_of_users_who_are_gone_or_inactive_are_refused(user: User) -> None:
    tokens = log_in().json()
    User.objects.update(is_active=False)
    for _ in range(2):
        assert post("token/refresh", {"refresh": tokens["refresh"]}).status_code == 401
        assert post("token/verify", {"token": tokens["access"]}).status_code == 401
        assert read_bots(tokens["access"]) == 401
        User.objects.all().delete()


def test_tokens_and_sessions_end_with_the_password(user: User) -> None:
    tokens = log_in().json()
    Token.objects.create(user=user)
    session = Client()
    session.force_login(user)
    change = {"old_password": PASSWORD, "new_password": NEW}
    assert post("password", change, tokens["access"]).status_code == 204
    assert read_bots(tokens["access"]) == 401
    assert post("token/refresh", {"refresh": tokens["refresh"]}).status_code == 401
    assert post("token/verify", {"token": tokens["access"]}).status_code == 401
    assert session.get(BOTS).status_code == 401
    assert not Token.objects.exists()
    assert log_in().status_code == 401
    assert log_in(NEW).status_code == 200
    assert AuditEntry.objects.get().action == "password"


def test_a_new_password_must_be_good_and_the_old_one_known(user: User) -> None:
    access = log_in().json()["access"]
    weak = post("password", {"old_password": PASSWORD, "new_password": "12345"}, access)
    assert weak.status_code == 400
    assert "new_password" in weak.json()["errors"]
    wrong = post("password", {"old_password": "guess", "new_password": NEW}, access)
    assert wrong.status_code == 401
    assert post("password", {"old_password": PASSWORD, "new_password": NEW}).status_code == 401


def test_brute_force_locks_the_user_at_that_address(user: User, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(2):
        assert log_in("guess").status_code == 401
    locked = log_in("guess")
    assert locked.status_code == 429
    assert int(locked["Retry-After"]) == 15 * 60
    assert log_in().status_code == 429  # not even with the right password
    assert log_in(REMOTE_ADDR="10.0.0.9").status_code == 200
    form = {"username": "me", "password": PASSWORD}
    assert Client().post("/admin/login/", form).status_code == 429


@pytest.mark.usefixtures("user")
def test_a_forged_address_is_no_error(settings: Settings) -> None:
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "NUM_PROXIES": 1}
    assert log_in("guess", HTTP_X_FORWARDED_FOR="nobody, x").status_code == 401


def test_a_name_that_is_too_long_to_be_noted_is_wrong() -> None:
    answer = post("token", {"username": "x" * 256, "password": PASSWORD})
    assert answer.status_code == 401
    assert not AccessAttempt.objects.exists()


def test_a_success_resets_the_count_of_failures(user: User, settings: Settings) -> None:
    settings.AXES_FAILURE_LIMIT = 3
    for _ in range(3):
        assert log_in("guess").status_code == 401
        assert log_in().status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, [], {"username": "me"}, {"username": "me", "password": 5},
     {"username": "a\0", "password": "b"},
     {"username": "me", "password": "x" * 5000}, {"username": "me", "password": "x", "more": 1}],
    ids=str,
)  # fmt: skip
def test_malformed_logins_are_rejected(body: Any) -> None:
    assert post("token", body).status_code == 400


def test_logins_are_open_where_reads_are_not(user: User, settings: Settings) -> None:
    settings.READS_PUBLIC = False
    access = log_in().json()["access"]
    path = "/api/v1/instruments/"
    assert Client().get(path).status_code == 401
    assert Client().get(path, headers={"authorization": f"Bearer {access}"}).status_code == 200
    refused = Client().get(path, headers={"authorization": f"Bearer {RefreshToken.for_user(user)}"})
    assert refused.status_code == 401


def test_other_origins_may_call_the_api_only_where_configured(settings: Settings) -> None:
    asked: dict[str, Any] = {"headers": {"origin": "https://app.example.org"}}
    assert "Access-Control-Allow-Origin" not in Client().get(BOTS, **asked).headers
    settings.CORS_ALLOWED_ORIGINS = ["https://app.example.org"]
    answer = Client().get(BOTS, **asked)
    assert answer["Access-Control-Allow-Origin"] == "https://app.example.org"
    assert "Access-Control-Allow-Credentials" not in answer.headers
    other = Client().get(BOTS, headers={"origin": "https://evil.example"})
    assert "Access-Control-Allow-Origin" not in other.headers
    assert "Access-Control-Allow-Origin" not in Client().get("/status/", **asked).headers
