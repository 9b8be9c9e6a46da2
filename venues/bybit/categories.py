"""Categories of products. Pure.

The exchange has linear perpetuals. The other categories of Bybit exist and are empty.
"""

from enum import StrEnum


class Category(StrEnum):
    LINEAR = "linear"
    INVERSE = "inverse"
    SPOT = "spot"
    OPTION = "option"

    @property
    def is_served(self) -> bool:
        """Return whether there are instruments in this category."""
        return self is Category.LINEAR
