"""What may be chosen when a market is opened."""

from dataclasses import dataclass, field

from exchange.flow.informed import check_share
from exchange.flow.parameters import FlowParameters
from exchange.kinds import EpisodeKind


@dataclass(frozen=True, kw_only=True)
class MarketOptions:
    """`informed`: the share of informed market orders; None draws one for each regime.

    `episodes`: the kinds of labelled episodes that occur.
    """

    parameters: FlowParameters = field(default_factory=FlowParameters)
    informed: float | None = None
    episodes: tuple[EpisodeKind, ...] = ()

    def __post_init__(self) -> None:
        check_share(self.informed)


def episode_kinds(text: str) -> tuple[EpisodeKind, ...]:
    """Return the kinds that `text` lists, e.g. "spoofing,layering", "all" or "none"."""
    names = {kind.name.lower(): kind for kind in EpisodeKind}
    if text in ("all", "none"):
        return tuple(EpisodeKind) if text == "all" else ()
    listed = [name.strip() for name in text.split(",")]
    if unknown := [name for name in listed if name not in names]:
        raise ValueError(f"episodes {', '.join(unknown)}: use {', '.join(names)}, all or none")
    return tuple(names[name] for name in listed)
