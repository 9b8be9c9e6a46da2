"""Orders through this door, over REST and over the trade WebSocket."""
