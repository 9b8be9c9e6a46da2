"""Production settings pass Django's deployment checks and follow the environment."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from rig.databases import copy_of_seeds

pytestmark = pytest.mark.processes
ROOT = Path(__file__).resolve().parents[2]
PRODUCTION = {
    "DEBUG": "off",
    "SECRET_KEY": "".join(chr(33 + n) for n in range(80) if n != 3),  # $ expands variables
    "ALLOWED_HOSTS": "example.org",
    "DATABASE_URL": "sqlite:////nowhere/db",
    "REDIS_URL": "",
}


def run(*arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env=os.environ | PRODUCTION | env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "env", [{}, {"SSL_REDIRECT": "on", "PROXY_HEADERS": "on", "READS_PUBLIC": "off"}]
)
def test_deployment_checks_report_no_issues(env: dict[str, str]) -> None:
    done = run("check", "--deploy", "--fail-level", "WARNING", **env)
    assert done.returncode == 0, done.stderr
    assert "no issues" in done.stdout
    if env:
        assert "0 silenced" in done.stdout


ASK = """
from django.test import Client
for path in ("/livez", "/api/v1/instruments/"):
    answer = Client(headers={"host": "example.org", "x-forwarded-proto": "https"}).get(path)
    print(answer.status_code, answer.headers.get("Strict-Transport-Security"))
plain = Client(headers={"host": "example.org"})
print(plain.get("/livez").status_code, plain.get("/status/").headers.get("Location"))
"""


def test_site_behind_a_proxy_redirects_to_https_and_sends_hsts(
    tmp_path: Path,
) -> None:
    env = {"DATABASE_URL": f"sqlite:///{tmp_path / 'db'}", "SSL_REDIRECT": "on"}
    copy_of_seeds(tmp_path / "db")
    done = run("shell", "-v0", "-c", ASK, PROXY_HEADERS="on", HSTS_SECONDS="60", **env)
    assert done.stdout.splitlines() == [
        "200 max-age=60; includeSubDomains; preload",
        "200 max-age=60; includeSubDomains; preload",
        "200 https://example.org/status/",
    ]
    untrusting = run("shell", "-v0", "-c", ASK, **env)
    assert untrusting.stdout.splitlines()[1] == "301 None"


@pytest.mark.parametrize(
    ("env", "complaint"),
    [
        ({"SECRET_KEY": ""}, "SECRET_KEY is not set"),
        ({"API_RATE": "many"}, "API_RATE 'many' is not a rate"),
        ({"API_USER_RATE": "0/day"}, "API_USER_RATE '0/day' is not a rate"),
        ({"LOG_FORMAT": "xml"}, "LOG_FORMAT 'xml' is unknown"),
    ],
)
def test_invalid_setting_is_reported_by_name(env: dict[str, str], complaint: str) -> None:
    done = run("check", **env)
    assert done.returncode == 1
    assert complaint in done.stderr
    assert len(done.stderr.splitlines()) == 1
