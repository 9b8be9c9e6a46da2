"""The order-flow page."""
