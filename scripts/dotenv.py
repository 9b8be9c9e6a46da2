"""Write a development `.env` with a new SECRET_KEY; never overwrite an existing file.

    python scripts/dotenv.py

A key in `.secret_key`, where earlier versions stored it, moves into `.env`, so sessions survive.
"""

import os
import secrets
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
KEY_BYTES = 48
TEXT = """\
# Written by `make setup`, for development; .env.example lists every setting.
DEBUG=on
SECRET_KEY='{key}'
"""


def old_key(path: Path) -> str:
    """Return the key in `path`, or an empty string if it is missing or not valid in .env."""
    key = path.read_text().strip() if path.exists() else ""
    return "" if key.startswith("$") or "'" in key else key  # $NAME would expand to a variable


def write(folder: Path) -> bool:
    """Write `.env` into `folder` unless it exists; return whether it was written."""
    previous = folder / ".secret_key"
    try:
        descriptor = os.open(folder / ".env", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w") as file:
        file.write(TEXT.format(key=old_key(previous) or secrets.token_urlsafe(KEY_BYTES)))
    previous.unlink(missing_ok=True)
    return True


if __name__ == "__main__":
    if write(ROOT):
        print("wrote .env: DEBUG=on and a new SECRET_KEY, for development")
