"""Whether an instrument is driven now."""

from typing import Literal

State = Literal["live", "stale", "stopped"]
"""stale: it is driven, but what it does cannot be stored or delivered at present."""
