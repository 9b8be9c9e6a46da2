"""The only writer of records: intake, journal, storage, streams with fencing, leases."""
