"""Strategies: each looks at one instrument and says what it wants there."""
