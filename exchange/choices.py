"""Options of commands that concern books. Pure but for Django's parser."""

from argparse import ArgumentTypeError
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

from django.core.management.base import CommandParser

from exchange.flow.informed import check_share
from exchange.flow.options import MarketOptions

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


def chosen(options: Mapping[str, Any], before: MarketOptions) -> MarketOptions:
    """Return the options of a book that had `before`, with those that the user gave."""
    share = options.get("informed")
    if share is None:
        return before
    return replace(before, informed=None if share == DRAWN else share)
