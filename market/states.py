"""The state of an instrument on the live path."""

from typing import Literal

State = Literal["live", "stale", "stopped"]
"""stale: a source drives the instrument, but its records cannot be stored or delivered."""
