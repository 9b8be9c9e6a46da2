import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from instruments.catalogue import CATALOGUE
from instruments.models import Instrument


class Command(BaseCommand):
    help = "Add the instruments of the catalogue that do not exist yet; change none that does."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="Print one JSON object last.")

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            added, kept = seed()
        except DatabaseError as error:
            raise CommandError(
                f"the database says: {error} (is it there, and is `migrate` done?)"
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({"added": added, "kept": kept}))
            return
        for verb, symbols in (("added", added), ("kept", kept)):
            if symbols:
                self.stdout.write(f"{verb} {len(symbols)}: {', '.join(symbols)}")


@transaction.atomic
def seed() -> tuple[list[str], list[str]]:
    """Store the catalogue; return the symbols that were added and those that were there."""
    added: list[str] = []
    kept: list[str] = []
    for entry in CATALOGUE:
        fields = entry._asdict()
        symbol = fields.pop("symbol")
        _, created = Instrument.objects.get_or_create(symbol=symbol, defaults=fields)
        (added if created else kept).append(symbol)
    return added, kept
