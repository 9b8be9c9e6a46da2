"""Import and export of quotes as files."""
