"""Orders: from parameters of Deribit to commands of the exchange, and back."""
