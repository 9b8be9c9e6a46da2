"""Options of commands that concern books. Pure but for Django's parser."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.core.management.base import CommandParser

from exchange.flow.informed import check_share
from exchange.flow.options import MarketOptions, episode_kinds
from exchange.kinds import EpisodeKind

DRAWN: Final = "drawn"


def add_options(parser: CommandParser) -> None:
    parser.add_argument(
        "--no-books", action="store_true", help="leave out trades and order books: quotes only"
    )
    parser.add_argument(
        "--informed",
        type=informed,
        metavar="KAPPA",
        help="share of market orders that know the next step of the price, from 0 to below 1, or "
        f"`{DRAWN}` for each regime (default: as before, at first {DRAWN})",
    )
    parser.add_argument(
        "--episodes",
        type=episodes,
        metavar="KINDS",
        help="kinds of labelled episodes, e.g. spoofing,layering, or all, or none (default: as "
        "before, at first none)",
    )


def informed(text: str) -> float | str:
    """Parse --informed."""
    if text == DRAWN:
        return text
    try:
        share = float(text)
        check_share(share)
    except ValueError:
        raise ArgumentTypeError(
            f"{text!r} is not a share: use a number from 0 to below 1, or {DRAWN}"
        ) from None
    return share


def episodes(text: str) -> tuple[EpisodeKind, ...]:
    """Parse --episodes."""
    try:
        return episode_kinds(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None


def chosen(options: Mapping[str, Any], before: MarketOptions) -> MarketOptions:
    """Return the options of a book that had `before`, with those that the user gave."""
    share, kinds = options.get("informed"), options.get("episodes")
    after = before
    if share is not None:
        after = replace(after, informed=None if share == DRAWN else share)
    return after if kinds is None else replace(after, episodes=kinds)
