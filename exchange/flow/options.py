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
    """Return the kinds that `text` lists, e.g. "spoofing,layering" or "all"; "" lists none."""
    if text == "all":
        return tuple(EpisodeKind)
    names = {kind.name.lower(): kind for kind in EpisodeKind}
    listed = [name.strip() for name in text.split(",")] if text else []
    if unknown := [name for name in listed if name not in names]:
        raise ValueError(f"episodes {', '.join(unknown)}: use {', '.join(names)}, or all")
    return tuple(names[name] for name in listed)
