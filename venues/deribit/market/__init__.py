"""Public market data in the words of Deribit."""
