"""Compares the service with its peers: in one run, on one machine and PostgreSQL, with the same data."""
