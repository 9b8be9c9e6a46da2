"""Everything that must be documented, collected from the code."""

import re
from argparse import Action
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from django.core.management import get_commands, load_command_class
from django.core.management.base import BaseCommand
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).resolve().parents[2]
OUR_APPS = ("instruments", "quotes", "exchange", "indicators", "venues", "trading", "pytrade")
OTHERS = ("admin/",)


def settings_names() -> set[str]:
    """Return the environment variables that the settings read."""
    text = (ROOT / "pytrade" / "settings.py").read_text()
    return set(re.findall(r'(?:env\.\w+|_rate)\("([A-Z_]+)"', text))


def commands() -> list[str]:
    """Return the names of our management commands."""
    return sorted(name for name, app in get_commands().items() if app in OUR_APPS)


def options(command: str) -> list[str]:
    """Return the long options of one of our commands, without those common to all commands."""
    loaded = load_command_class(get_commands()[command], command)
    common = {name for action in actions(BaseCommand()) for name in action.option_strings}
    return [
        name
        for action in actions(loaded)
        for name in action.option_strings
        if name.startswith("--") and name not in common
    ]


def actions(command: BaseCommand) -> list[Action]:
    return command.create_parser("manage.py", "command")._actions


def addresses(resolver: Any = None, before: str = "/") -> Iterator[str]:
    """Yield the URL patterns of the site, e.g. /api/v1/instruments/{symbol}/."""
    for pattern in (resolver or get_resolver()).url_patterns:
        text = before + re.sub(r"<\w+:(\w+)>", r"{\1}", str(pattern.pattern))
        if isinstance(pattern, URLResolver):
            if str(pattern.pattern) not in OTHERS:
                yield from addresses(pattern, text)
        elif isinstance(pattern, URLPattern) and "^" not in text:
            yield text


def targets() -> set[str]:
    """Return the Makefile targets that have a help text."""
    text = (ROOT / "Makefile").read_text()
    return set(re.findall(r"^([a-z-]+):.*##", text, re.MULTILINE))
