import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import DatabaseError, transaction

from instruments.catalogue import CATALOGUE
from instruments.models import Instrument


class Command(BaseCommand):
    help = "Create the missing instruments of the catalogue. Existing ones do not change."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--json", action="store_true", help="print the result as one JSON object"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            added, kept = seed()
        except DatabaseError as error:
            raise CommandError(
                f"database error: {error} (is the database running and migrated?)"
            ) from error
        if options["json"]:
            self.stdout.write(json.dumps({"added": added, "kept": kept}))
            return
        for verb, symbols in (("added", added), ("kept", kept)):
            if symbols:
                self.stdout.write(f"{verb} {len(symbols)}: {', '.join(symbols)}")


@transaction.atomic
def seed() -> tuple[list[str], list[str]]:
    """Store the catalogue; return the symbols added and the symbols that existed before."""
    added: list[str] = []
    kept: list[str] = []
    for entry in CATALOGUE:
        fields = entry._asdict()
        symbol = fields.pop("symbol")
        _, created = Instrument.objects.get_or_create(symbol=symbol, defaults=fields)
        (added if created else kept).append(symbol)
    return added, kept
