"""A fresh checkout for tests: this one without `.env`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pytrade.tests.documented import ROOT, settings_names

COPIED = ("manage.py", "pytrade", "scripts", "Makefile")
"""Copied because they locate the checkout by their own path; the rest are symlinks."""
LEFT_OUT = (".env", ".secret_key", ".git")


def fresh_checkout(folder: Path) -> Path:
    """Create a checkout in `folder` without `.env`, sharing `.venv` with this one."""
    folder.mkdir(exist_ok=True)
    for entry in ROOT.iterdir():
        if entry.name in COPIED:
            copy = shutil.copytree if entry.is_dir() else shutil.copy2
            copy(entry, folder / entry.name)
        elif entry.name not in LEFT_OUT:
            (folder / entry.name).symlink_to(entry)
    return folder


def bare_environment() -> dict[str, str]:
    """Return the environment of this process without PyTrade settings."""
    named = settings_names()
    return {name: value for name, value in os.environ.items() if name not in named}


def manage(
    checkout: Path, *arguments: str, env: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """Run a manage.py command of `checkout` in a bare environment plus `env`."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=checkout,
        env=bare_environment() | dict(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
