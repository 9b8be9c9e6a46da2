"""`make setup` writes a working .env; commands without one report what to do."""

import json
import stat
import subprocess
from pathlib import Path

import pytest

from pytrade.tests.checkouts import bare_environment, fresh_checkout, manage

pytestmark = pytest.mark.processes
SHOW = """
import json
from django.conf import settings
print(json.dumps([settings.DEBUG, settings.SECRET_KEY]))
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return fresh_checkout(tmp_path / "checkout")


def make_dotenv(checkout: Path) -> str:
    """Run the .env target of `make setup`; return its output."""
    command = ["make", "--no-print-directory", "--old-file", ".venv/runtime", ".env"]
    done = subprocess.run(
        command, cwd=checkout, env=bare_environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def shown_settings(checkout: Path, **env: str) -> list[object]:
    done = manage(checkout, "shell", "-v0", "-c", SHOW, env=env)
    assert done.returncode == 0, done.stderr
    found: list[object] = json.loads(done.stdout)
    return found


def test_commands_work_after_setup_with_an_empty_environment(checkout: Path) -> None:
    assert "wrote .env" in make_dotenv(checkout)
    file = checkout / ".env"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    debug, key = shown_settings(checkout)
    assert debug is True
    assert isinstance(key, str)
    assert len(key) >= 50
    assert shown_settings(checkout, DEBUG="off", SECRET_KEY="of-the-test") == [False, "of-the-test"]


def test_existing_dotenv_is_not_changed(checkout: Path) -> None:
    (checkout / ".env").write_text("SECRET_KEY=mine\n")
    (checkout / ".secret_key").write_text("older")
    make_dotenv(checkout)
    subprocess.run([".venv/bin/python", "scripts/dotenv.py"], cwd=checkout, check=True)
    assert (checkout / ".env").read_text() == "SECRET_KEY=mine\n"
    assert (checkout / ".secret_key").read_text() == "older"


@pytest.mark.parametrize(
    ("old", "kept"), [("a#b(c)=d*&e%f^g!@h-_+ i", True), ("$b(c)=d", False), ("a'b", False)]
)
def test_key_of_an_earlier_version_moves_into_dotenv(checkout: Path, old: str, kept: bool) -> None:
    (checkout / ".secret_key").write_text(old + "\n")
    make_dotenv(checkout)
    assert (shown_settings(checkout)[1] == old) is kept
    assert not (checkout / ".secret_key").exists()


@pytest.mark.parametrize(
    ("arguments", "debug"), [(("runsim", "--help"), "on"), (("migrate",), "off"), (("help",), "on")]
)
def test_missing_key_is_reported_in_one_line(
    checkout: Path, arguments: tuple[str, ...], debug: str
) -> None:
    done = manage(checkout, *arguments, env={"DEBUG": debug})
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "SECRET_KEY is not set: run `make setup`" in done.stderr
    assert not (checkout / ".secret_key").exists()


def test_make_setup_writes_dotenv(checkout: Path) -> None:
    done = subprocess.run(
        ["make", "--dry-run", "setup"], cwd=checkout, capture_output=True, text=True, check=True
    )
    assert "scripts/dotenv.py" in done.stdout
