"""The service beside its peers: one run, one machine, one PostgreSQL, the same data."""
