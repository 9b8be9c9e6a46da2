"""Print the output of all roles, each line prefixed with the name of its role.

A supervisord event listener (see supervisord.conf): reads events from standard input, replies on
standard output and prints to standard error. UP_COLOURS=on prints each role in its own colour.
"""

import os
import sys
from collections import defaultdict

from supervisor.childutils import eventdata, listener

WIDTH = 11
COLOURS = (36, 33, 32, 35, 34, 31)


class Terminal:
    """Joins chunks of output into whole lines."""

    def __init__(self, coloured: bool) -> None:
        self._coloured = coloured
        self._begun: defaultdict[str, str] = defaultdict(str)
        self._colours: dict[str, int] = {}

    def write(self, role: str, text: str) -> None:
        *lines, self._begun[role] = (self._begun[role] + text).split("\n")
        for line in lines:
            print(self._prefix(role) + line, file=sys.stderr)
        sys.stderr.flush()

    def finish_line(self, role: str) -> None:
        """Print the unfinished line of a role whose state changes."""
        if self._begun[role]:
            self.write(role, "\n")

    def _prefix(self, role: str) -> str:
        prefix = f"{role:{WIDTH}} | "
        if not self._coloured:
            return prefix
        colour = self._colours.setdefault(role, COLOURS[len(self._colours) % len(COLOURS)])
        return f"\x1b[{colour}m{prefix}\x1b[0m"


def main() -> None:
    terminal = Terminal(os.environ.get("UP_COLOURS") == "on")
    while True:
        event, payload = listener.wait()
        if event["eventname"].startswith("PROCESS_LOG"):
            headers, text = eventdata(payload)
            terminal.write(headers["processname"], text)
        else:
            headers, _ = eventdata(payload + "\n")
            terminal.finish_line(headers["processname"])
        listener.ok()


if __name__ == "__main__":
    main()
