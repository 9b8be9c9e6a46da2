"""The gateway: one service between many users and a venue. Pure parts so far."""
