"""The law of the prices and the simulation that follows it."""
