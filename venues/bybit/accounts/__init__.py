"""Orders, executions, positions and money of an account in the words of Bybit."""
