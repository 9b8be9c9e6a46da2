"""What there is to document, found in the code itself."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def settings_names() -> set[str]:
    """Return the environment variables that the settings read."""
    text = (ROOT / "pytrade" / "settings.py").read_text()
    return set(re.findall(r'(?:env\.\w+|_rate)\("([A-Z_]+)"', text))
