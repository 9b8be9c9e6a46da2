"""Where bots trade: one interface, one module per venue."""
