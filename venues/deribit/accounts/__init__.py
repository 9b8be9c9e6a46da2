"""Orders, trades, positions and money of an account in the words of Deribit."""
