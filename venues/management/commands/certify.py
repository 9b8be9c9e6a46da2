"""manage.py certify: certificates for doors that speak TLS."""

import argparse
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand

from venues.doors.certificates import make_files


class Command(BaseCommand):
    help = "Make a certificate authority and a certificate for doors that speak TLS."

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        parser.add_argument(
            "folder", nargs="?", default="certificates", type=Path, help="Default: %(default)s."
        )
        parser.add_argument(
            "--hosts",
            nargs="+",
            default=["127.0.0.1", "localhost"],
            help="Names and addresses under which clients reach the door.",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        files = make_files(options["folder"], options["hosts"])
        self.stdout.write(
            f"Clients trust {files.authority}. The door: "
            f"runvenue bybit --tls {files.certificate} {files.key}"
        )
