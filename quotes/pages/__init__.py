"""The watchlist and the chart pages."""
