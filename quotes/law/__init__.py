"""The price law of the simulated market and the threads that simulate it. Pure."""
