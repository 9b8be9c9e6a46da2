"""A market as bytes: what its next events depend on."""

import json
from dataclasses import asdict, dataclass
from struct import Struct
from typing import Any, Self

from exchange.engine.snapshots import SnapshotError
from exchange.flow.options import MarketOptions
from exchange.flow.parameters import FlowParameters
from exchange.kinds import EpisodeKind
from quotes.law.randomwalk import RegimeLaw, WalkState
from quotes.law.walker import MarketLaw, RegimePlace, Start

VERSION = 1
HEAD = Struct("<II")  # version, length of the JSON text that precedes the engine's snapshot


@dataclass(frozen=True, kw_only=True)
class MarketSnapshot:
    place: Start
    options: MarketOptions
    state: list[int]
    at: int
    flow_seq: int
    flow_due: bool
    programme: dict[str, Any]
    engine: bytes

    def encode(self) -> bytes:
        fields = {name: value for name, value in vars(self).items() if name != "engine"}
        law = asdict(self.place.law)
        text = json.dumps(
            fields | {"place": [law, *self.place[1:]], "options": asdict(self.options)}
        ).encode()
        return HEAD.pack(VERSION, len(text)) + text + self.engine

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raise SnapshotError unless `data` is a snapshot of this version."""
        if len(data) < HEAD.size:
            raise SnapshotError(f"{len(data)} bytes are not a snapshot of a market")
        version, length = HEAD.unpack_from(data)
        if version != VERSION:
            raise SnapshotError(f"the snapshot has format version {version}, not {VERSION}")
        text = data[HEAD.size : HEAD.size + length]
        try:
            fields: dict[str, Any] = json.loads(text)
        except ValueError:
            raise SnapshotError(f"the snapshot of {len(data)} bytes is damaged") from None
        engine = data[HEAD.size + length :]
        fields["place"] = start_of(*fields["place"])
        options = fields["options"]
        options["parameters"] = FlowParameters(**options["parameters"])
        options["episodes"] = tuple(map(EpisodeKind, options["episodes"]))
        return cls(**fields | {"options": MarketOptions(**options), "engine": engine})


def start_of(law: dict[str, Any], next_seq: int, state: list[int], regime: list[int]) -> Start:
    """Return a start from its parts as JSON has them."""
    parts = {"start": WalkState(*law["start"]), "regimes": RegimeLaw(**law["regimes"])}
    return Start(MarketLaw(**law | parts), next_seq, WalkState(*state), RegimePlace(*regime))
