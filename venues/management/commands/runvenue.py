from typing import Any

from channels.routing import get_default_application
from django.core.management.base import CommandError, CommandParser

from live.webserver import Tls, WebServer
from quotes.management.base import QuietCommand, address
from venues.catalogue import DIALECTS, DOORS
from venues.doors import clock
from venues.doors.application import App, Mounted
from venues.faults.injection import Faults
from venues.faults.profiles import PROFILES, profile_of

DEFAULT_ADDRESS = "127.0.0.1:8020"
PAGES = ("/venues/clients/", "/static/")
"""What a door on a port of its own serves of the site: who uses it."""


class Command(QuietCommand):
    help = "Serve another venue on a port of its own: see docs/bybit.md and docs/deribit.md."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("venue", choices=list(DOORS), help="whose protocol to serve")
        parser.add_argument(
            "address", nargs="?", type=address, default=DEFAULT_ADDRESS, metavar="ADDR:PORT",
            help=f"default: {DEFAULT_ADDRESS}",
        )  # fmt: skip
        parser.add_argument(
            "--tls", nargs=2, metavar=("CERT", "KEY"), help="serve HTTPS: two PEM files"
        )

        parser.add_argument(
            "--faults",
            choices=list(PROFILES),
            help="misbehave as real venues do: see docs/bybit.md",
        )
        parser.add_argument(
            "--seed", type=int, default=1, help="repeats faults (default: %(default)s)"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        host, port = options["address"]
        tls = Tls(*options["tls"]) if options["tls"] else None
        try:
            door = self.door(options["venue"], options["faults"], options["seed"])
            site = get_default_application()
            served = Mounted(dict.fromkeys(PAGES, site), door)
            server = WebServer(host, port, served, tls)
        except OSError as error:
            reason = error.strerror or str(error)
            raise CommandError(f"cannot serve on {host}:{port}: {reason}") from error
        try:
            server.run(lambda: self.announce("https" if tls else "http", server))
        finally:
            server.close()

    def door(self, venue: str, faults: str | None, seed: int) -> App:
        """Return the application of a venue, with faults if a profile is named."""
        door = DOORS[venue]()
        if faults is None:
            return door
        profile = profile_of(faults)
        clock.skew(profile.skew_ms)
        self.stderr.write(f"faults: {faults}, seed {seed}: {profile.shows}")
        return Faults(door, DIALECTS[venue], profile, seed)

    def announce(self, scheme: str, server: WebServer) -> None:
        host, port = server.address
        self.stdout.write(f"{scheme}://{f'[{host}]' if ':' in host else host}:{port}")
        self.stdout.flush()
