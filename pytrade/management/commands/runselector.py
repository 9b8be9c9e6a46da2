import signal
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from pytrade.selectorserver.server import Limits, SelectorServer
from pytrade.wsgi import application
from quotes.management.base import OneLineParser, address, whole

DEFAULT = Limits()


class Command(BaseCommand):
    help = "Serve pages and REST with the selector server (no WebSocket): see docs/selector.md."

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        parser = super().create_parser(prog_name, subcommand, **kwargs)
        parser.__class__ = OneLineParser
        return parser

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "address", nargs="?", type=address, default="127.0.0.1:8010", metavar="ADDR:PORT"
        )
        parser.add_argument("--workers", type=whole, default=DEFAULT.workers, metavar="N")
        parser.add_argument("--queue", type=whole, default=DEFAULT.queue, metavar="N")

    def handle(self, *args: Any, **options: Any) -> None:
        limits = Limits(workers=options["workers"], queue=options["queue"])
        host, port = options["address"]
        try:
            server = SelectorServer(application, (host, port), limits)
        except OSError as error:
            raise CommandError(f"cannot listen on {host}:{port}: {error.strerror}") from error
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: server.stop())
        self.stdout.write("http://{}:{}".format(*server.address))
        self.stdout.flush()
        server.run()
