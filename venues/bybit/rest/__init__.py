"""The door over REST: routes, authentication, limits, envelopes."""
