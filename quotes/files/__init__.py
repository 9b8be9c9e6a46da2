"""Import of quotes from files."""
