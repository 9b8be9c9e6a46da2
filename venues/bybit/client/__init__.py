"""Our own client of Bybit v5: public market data as a feed, orders as a broker."""
