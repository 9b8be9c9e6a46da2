"""The WebSocket of the door and its channels."""
