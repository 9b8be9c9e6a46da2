"""manage.py postman: the API as a collection for Postman, Bruno or Insomnia."""

import argparse
import json
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from drf_spectacular.generators import SchemaGenerator

from pytrade.postman import collection
from quotes.management.base import QuietCommand


class Command(QuietCommand):
    help = "Write the API as a Postman collection, which Bruno and Insomnia import as well."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, help="where to write it; default: standard output"
        )
        parser.add_argument(
            "--base", default="http://127.0.0.1:8000", help="address (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        schema = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]  # drf-spectacular is untyped
        text = json.dumps(collection(schema, options["base"]), indent=2, default=str)
        file: Path | None = options["file"]
        if file is None:
            self.stdout.write(text)
            return
        try:
            file.write_text(f"{text}\n")
        except OSError as error:
            raise CommandError(f"{file}: {error.strerror}") from error
