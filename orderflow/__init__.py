"""Order flow: clusters of trades (footprint), profiles, depth and heat maps of the book."""
