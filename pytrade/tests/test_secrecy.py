"""Secrets appear in no log, error page or error message."""

import logging
import os
import subprocess
import sys

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import RequestFactory
from django.views.debug import ExceptionReporter
from pytest_django.fixtures import Settings

from pytrade.databases import connection_settings
from pytrade.tests.loghandlers import formatted_handler
from rig.processes import ROOT

PASSWORD = "hush4711"
KEY = "key-of-a-test-that-nobody-may-see-" * 3
SECRETS = {
    "DEBUG": "off",
    "SECRET_KEY": KEY,
    "DATABASE_URL": f"postgres://u:{PASSWORD}@127.0.0.1:1/x?connect_timeout=1",
    "REDIS_URL": f"redis://:{PASSWORD}@127.0.0.1:1/0",
    "PYTHONUNBUFFERED": "1",
}
SERVE = """
from django.test import Client
from pytrade.wsgi import application
client = Client(raise_request_exception=False, headers={"host": "localhost"})
for path in ("/readyz", "/api/v1/instruments/", "/"):
    answer = client.get(path)
    print(path, answer.status_code, answer.content)
"""


def output_of(*command: str, until: str = "", **env: str) -> str:
    """Return the output of a command, up to its exit or the line that contains `until`."""
    with subprocess.Popen(
        [sys.executable, *command],
        cwd=ROOT,
        env=os.environ | SECRETS | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdout is not None
        lines = []
        for line in process.stdout:
            lines.append(line)
            if until and until in line:
                process.terminate()
        return "".join(lines)


@pytest.mark.processes
@pytest.mark.parametrize(
    ("log_format", "command", "shows"),
    [
        ("console", ("manage.py", "runsim", "--duration", "1"), "database error"),
        ("json", ("manage.py", "migrate"), "OperationalError"),
        ("console", ("manage.py", "shell", "-c", SERVE), "/readyz 503"),
        ("json", ("-m", "celery", "--app", "pytrade", "inspect", "ping"), "127.0.0.1:1"),
    ],
)
def test_errors_of_unavailable_services_hide_passwords(
    log_format: str, command: tuple[str, ...], shows: str
) -> None:
    text = output_of(*command, LOG_FORMAT=log_format)
    assert shows in text
    assert PASSWORD not in text
    assert KEY not in text


@pytest.mark.processes
def test_worker_log_hides_the_broker_password() -> None:
    worker = ("-m", "celery", "--app", "pytrade", "worker", "--pool", "solo")
    text = output_of(*worker, until="Cannot connect to")
    assert "Cannot connect to redis://:**@127.0.0.1:1/0" in text
    assert PASSWORD not in text
    assert KEY not in text


@pytest.mark.parametrize(
    "url",
    [
        f"mysql://u:{PASSWORD}@h/x",
        f"postgres://u:{PASSWORD}@h:99999999/x",
        f"postgres://u:{PASSWORD}/{PASSWORD}@h:5432/x",
        f"postgres://u:{PASSWORD}://{PASSWORD}@h:x/x",
        f"{PASSWORD}@h",
    ],
)
@pytest.mark.filterwarnings("ignore:Engine not recognized")
def test_invalid_database_url_is_shown_without_password(url: str) -> None:
    with pytest.raises(ImproperlyConfigured, match="DATABASE_URL") as refused:
        connection_settings(url)
    assert PASSWORD not in str(refused.value)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def report(settings: Settings) -> str:
    """Return the error page of an exception raised with secrets in settings and request."""
    settings.DATABASE_URL = settings.REDIS_URL = f"redis://u:{PASSWORD}@h/0"
    settings.CELERY_BROKER_URL = settings.CELERY_RESULT_BACKEND = settings.REDIS_URL
    settings.CHANNEL_LAYERS = {"default": {"CONFIG": {"hosts": [settings.REDIS_URL]}}}
    settings.SECRET_KEY = KEY
    request = RequestFactory().get("/", headers={"authorization": f"Token {PASSWORD}"})
    request.COOKIES["sessionid"] = PASSWORD
    try:
        raise RuntimeError("on purpose")
    except RuntimeError:
        reporter = ExceptionReporter(request, *sys.exc_info())
    return reporter.get_traceback_html() + reporter.get_traceback_text()


@pytest.mark.parametrize("debug", [False, True])
def test_error_pages_and_mails_hide_secrets(settings: Settings, debug: bool) -> None:
    settings.DEBUG = debug
    text = report(settings)
    assert "on purpose" in text
    page_of_settings = text[text.index("CELERY_BROKER_URL") :]
    assert PASSWORD not in page_of_settings
    assert KEY not in page_of_settings


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_logged_tracebacks_have_no_local_variables(log_format: str) -> None:
    handler = formatted_handler(log_format)
    logger = logging.getLogger("of_a_test")
    logger.addHandler(handler)
    logger.propagate = False
    try:
        fail(PASSWORD)
    except RuntimeError:
        logger.exception("it failed")
    finally:
        logger.removeHandler(handler)
    assert "on purpose" in handler.stream.getvalue()
    assert PASSWORD not in handler.stream.getvalue()


def fail(password: str) -> None:
    raise RuntimeError("on purpose")
