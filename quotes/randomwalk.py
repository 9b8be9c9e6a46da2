"""The law of the simulated market, at its public import path; the code is quotes.law.randomwalk."""

from quotes.law.randomwalk import WalkState, generator, step, walk

__all__ = ["WalkState", "generator", "step", "walk"]
