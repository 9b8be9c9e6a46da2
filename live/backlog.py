"""Publications that wait for a slower stage, by topic and bounded. Pure."""

from live import cutting
from live.frames import Publication

MOST_BYTES = 8_388_608


class Backlog:
    """Over `most_bytes` a topic keeps only its newest publication: subscribers resume the rest."""

    def __init__(self, most_bytes: int = MOST_BYTES) -> None:
        self.dropped = 0
        self._most_bytes = most_bytes
        self._bytes = 0
        self._waiting: dict[str, list[Publication]] = {}

    def __bool__(self) -> bool:
        return bool(self._waiting)

    def add(self, publication: Publication) -> None:
        waiting = self._waiting.setdefault(publication["topic"], [])
        if self._bytes + len(publication["text"]) > self._most_bytes:
            self.dropped += len(waiting)
            self._bytes -= sum(len(each["text"]) for each in waiting)
            waiting.clear()
        waiting.append(publication)
        self._bytes += len(publication["text"])

    def take(self) -> list[Publication]:
        """Return everything that waits, in the order of each topic, rows of a topic merged."""
        waiting, self._waiting, self._bytes = self._waiting, {}, 0
        return [each for topic in waiting.values() for each in cutting.merge(topic)]
