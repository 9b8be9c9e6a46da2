"""History over HTTP: REST and TradingView UDF."""
