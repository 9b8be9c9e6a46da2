"""A checkout that nobody has set up or changed: this one without its `.env`."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from pytrade.tests.documented import ROOT, settings_names

COPIED = ("manage.py", "pytrade", "scripts", "Makefile")
"""What finds its own folder by its path; the rest are links to this checkout."""
LEFT_OUT = (".env", ".secret_key", ".git")


def fresh_checkout(folder: Path) -> Path:
    """Make `folder` a checkout without `.env` that shares `.venv` with this one."""
    folder.mkdir(exist_ok=True)
    for entry in ROOT.iterdir():
        if entry.name in COPIED:
            copy = shutil.copytree if entry.is_dir() else shutil.copy2
            copy(entry, folder / entry.name)
        elif entry.name not in LEFT_OUT:
            (folder / entry.name).symlink_to(entry)
    return folder


def bare_environment() -> dict[str, str]:
    """Return the environment of this process without the settings of PyTrade."""
    named = settings_names()
    return {name: value for name, value in os.environ.items() if name not in named}


def manage(
    checkout: Path, *arguments: str, env: Mapping[str, str] = {}
) -> subprocess.CompletedProcess[str]:
    """Run a command of `checkout` in a bare environment with `env`."""
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=checkout,
        env=bare_environment() | dict(env),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
