"""Migrated databases, made once per state of the code and kept for the next process or test run.

Migrations from nothing take seconds of CPU, and each lane of `make test` needs some databases.
"""

import fcntl
import functools
import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rig.processes import ROOT

CACHE = ROOT / ".pytest_cache" / "seeds"
KEPT_S = 24 * 3_600


@contextmanager
def kept(name: str, make: Callable[[Path], None]) -> Iterator[Path]:
    """Provide the file `name` of this state of the code; `make` writes it if it is missing.

    Other processes wait until the caller is done with it.
    """
    CACHE.mkdir(parents=True, exist_ok=True)
    folder = CACHE / fingerprint()
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        folder.mkdir(exist_ok=True)
        os.utime(folder)  # before the old ones are removed: this one may not have been used lately
        remove_old()
        file = folder / name
        if not file.exists():
            with tempfile.TemporaryDirectory(dir=folder) as unfinished:
                made = Path(unfinished) / name
                make(made)
                made.replace(file)
        yield file


def remove_old() -> None:
    """Remove what other states of the code left."""
    oldest = time.time() - KEPT_S
    for folder in CACHE.iterdir():
        if folder.is_dir() and folder.stat().st_mtime < oldest:
            shutil.rmtree(folder)


@functools.cache
def fingerprint() -> str:
    """Return a name for the state of all code that may change what a migrated database holds."""
    packages = [path.parent for path in sorted(ROOT.glob("*/__init__.py"))]
    files = [path for folder in packages for path in sorted(folder.rglob("*.py")) if is_code(path)]
    found = hashlib.sha256()
    for path in [*files, ROOT / "requirements.txt"]:
        found.update(f"{path.relative_to(ROOT)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]


def is_code(path: Path) -> bool:
    return "tests" not in path.parts
