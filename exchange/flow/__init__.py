"""The background order flow of the simulated exchange, anchored to the price law. Pure."""
