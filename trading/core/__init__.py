"""The decisions of a bot: states, risk, money, execution. Pure: no Django, no clock, no network."""
