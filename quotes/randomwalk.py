"""Public import path of the price law, implemented in quotes.law.randomwalk."""

from quotes.law.randomwalk import WalkState, generator, step, walk

__all__ = ["WalkState", "generator", "step", "walk"]
