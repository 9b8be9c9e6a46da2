"""Methods of JSON-RPC, the same over HTTP and WebSocket."""
