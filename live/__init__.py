"""The live path: frames, protocol, broadcast, hub, feeds, WebSocket and SSE endpoints."""
