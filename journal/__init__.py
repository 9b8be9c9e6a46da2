"""The only writer: intake, journal, storage, streams and fencing, leases."""
