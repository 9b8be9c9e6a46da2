"""The gateway: one service between many users and a venue (docs/gateway.md)."""
